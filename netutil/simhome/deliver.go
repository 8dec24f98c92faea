package simhome

import (
	"net/netip"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Deliver tells where a stranger's packet to the public address and this port ends up right now: at
// which address and port on the LAN; false if it does not come in.
func (h *Home) Deliver(t portmap.Transport, external uint16) (netip.AddrPort, bool) {
	above, outer, public := h.link()
	if above != nil {
		at, ok := above.Deliver(t, external)
		if !ok || at.Addr() != outer {
			return netip.AddrPort{}, false
		}
		external = at.Port()
	} else if outer != public {
		return netip.AddrPort{}, false // it ends at whoever really has the public address
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	return h.forward(key{t, external})
}

// link reads where the outer side leads, without keeping the lock: two homes are never locked at once.
func (h *Home) link() (above *Home, outer, public netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.above, h.outer, h.public
}

// forward is the router's own part of Deliver. What was made by hand comes first, as static rules do.
func (h *Home) forward(k key) (netip.AddrPort, bool) {
	if h.state == off || h.wanDown {
		return netip.AddrPort{}, false
	}
	if m, ok := h.manual[k]; ok {
		return m.internal, true
	}
	e, ok := h.table[k]
	if !ok || e.stalled || h.faults.NotForwarding {
		return netip.AddrPort{}, false
	}
	return e.internal, true
}
