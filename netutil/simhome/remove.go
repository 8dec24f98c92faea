package simhome

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// removeExternal is UPnP's DeletePortMapping: by external port.
func (h *Home) removeExternal(from netip.Addr, k key) no {
	h.settle()
	if m, ok := h.manual[k]; ok && !m.hidden {
		return denied
	}
	e, ok := h.table[k]
	switch {
	case !ok:
		return noSuchEntry
	case h.faults.SecureMode && e.asked.Addr() != from:
		return denied
	}
	delete(h.table, k)
	return fine
}

// removeInternal is how PCP and NAT-PMP delete: by internal port. What is not there counts as deleted.
// A PCP entry is given up only to the nonce that made it (RFC 6887 section 15).
func (h *Home) removeInternal(p portmap.Protocol, t portmap.Transport, internal netip.AddrPort, nonce portmap.Nonce) no {
	h.settle()
	k, e := h.byInternal(t, internal)
	switch {
	case e == nil || e.owner != p:
		return fine
	case p == portmap.PCP && e.nonce != nonce:
		return wrongNonce
	}
	delete(h.table, k)
	return fine
}

// removeAll deletes all that NAT-PMP made for one host and transport (RFC 6886 section 3.4).
func (h *Home) removeAll(t portmap.Transport, host netip.Addr) {
	h.settle()
	maps.DeleteFunc(h.table, func(k key, e *entry) bool {
		return k.transport == t && e.asked.Addr() == host && e.owner == portmap.NATPMP
	})
}

// seen is an entry as UPnP reads it back.
type seen struct {
	key
	internal    netip.AddrPort
	description string
	left        time.Duration
}

// read is UPnP's GetSpecificPortMappingEntry.
func (h *Home) read(k key) (seen, no) {
	h.settle()
	if m, ok := h.manual[k]; ok && !m.hidden {
		return seen{key: k, internal: m.internal, description: manualDescription}, fine
	}
	if e, ok := h.table[k]; ok {
		return seen{key: k, internal: e.internal, description: e.description, left: h.left(e)}, fine
	}
	return seen{}, noSuchEntry
}

// readAt is UPnP's GetGenericPortMappingEntry: the entries in an order that does not change.
func (h *Home) readAt(index int) (seen, bool) {
	h.settle()
	keys := map[key]bool{}
	for k := range h.table {
		keys[k] = true
	}
	for k, m := range h.manual {
		keys[k] = keys[k] || !m.hidden
	}
	maps.DeleteFunc(keys, func(_ key, visible bool) bool { return !visible })
	if index < 0 || index >= len(keys) {
		return seen{}, false
	}
	sorted := slices.SortedFunc(maps.Keys(keys), compareKeys)
	s, _ := h.read(sorted[index])
	return s, true
}
