package simhome

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// upnpAdd answers AddPortMapping and, without exact, AddAnyPortMapping.
func (h *Home) upnpAdd(a ask) (external uint16, code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if code := h.faults.Codes.UPnP; code != 0 {
		return 0, code
	}
	if a.exact && a.external == 0 {
		return 0, upnpNoWildcard
	}
	a.protocol = portmap.UPnP
	g, why := h.add(a)
	return g.external, why.upnp(&h.faults)
}

// upnpDelete answers DeletePortMapping.
func (h *Home) upnpDelete(from netip.Addr, k key) (code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.removeExternal(from, k).upnp(&h.faults)
}

// upnpEntry is an entry in the words of the UPnP documents.
type upnpEntry struct {
	key
	internal    netip.AddrPort
	description string
	enabled     string // "1" or "0"
	lease       string // seconds left, "" with Faults.EmptyLease
}

// upnpRead answers GetSpecificPortMappingEntry.
func (h *Home) upnpRead(k key) (upnpEntry, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.faults.NoReadBack {
		return upnpEntry{}, upnpInvalidAction
	}
	s, why := h.read(k)
	return h.inWords(s), why.upnp(&h.faults)
}

// upnpReadAt answers GetGenericPortMappingEntry: 713 is how a list ends (portmapper#53).
func (h *Home) upnpReadAt(index int) (upnpEntry, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.readAt(index)
	if !ok {
		return upnpEntry{}, upnpIndexInvalid
	}
	return h.inWords(s), 0
}

func (h *Home) inWords(s seen) upnpEntry {
	e := upnpEntry{key: s.key, internal: s.internal, description: s.description, enabled: "1"}
	if h.faults.EnabledLies {
		e.enabled = "0"
	}
	if !h.faults.EmptyLease {
		e.lease = seconds(s.left)
	}
	return e
}

// upnpAddress answers GetExternalIPAddress; miniupnpd says nothing where it knows nothing.
func (h *Home) upnpAddress() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.faults.NoOuter || h.wanDown {
		return ""
	}
	return h.outer.String()
}

// upnpStatus answers GetStatusInfo.
func (h *Home) upnpStatus() (state, uptime string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	state = "Connected"
	switch {
	case h.faults.NotConnected, h.wanDown:
		state = "Disconnected"
	case h.faults.SaysUp:
		state = "Up"
	}
	return state, strconv.FormatUint(uint64(h.epoch()), 10)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
