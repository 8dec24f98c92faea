package simhome

import (
	"net/netip"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Reboot is PowerOff and PowerOn at once.
func (h *Home) Reboot(moveUPnP bool) {
	h.PowerOff()
	h.PowerOn(moveUPnP)
}

// PowerOff switches the router off: nothing answers, nothing comes in, the table is lost. What was
// forwarded by hand is kept on its flash.
func (h *Home) PowerOff() {
	h.mu.Lock()
	h.state = off
	clear(h.table)
	h.mu.Unlock()
	h.changed()
}

// PowerOn boots it: the epoch starts anew and the router announces itself. With moveUPnP its UPnP
// comes back on another port and path, so that every URL known so far is stale (#1,
// go-libp2p#3224, syncthing#1892).
func (h *Home) PowerOn(moveUPnP bool) {
	h.mu.Lock()
	h.state = running
	h.booted = h.now()
	h.cleaned = h.booted
	h.bootID++
	if moveUPnP {
		h.moves++
	}
	h.mu.Unlock()
	h.changed()
	h.announce(true)
}

// Crash kills the mapping service alone: nothing answers, but what it has forwarded goes on being
// forwarded, and nobody ends a lease.
func (h *Home) Crash() {
	h.mu.Lock()
	h.settle()
	h.state = crashed
	h.mu.Unlock()
	h.changed()
}

// Return starts the mapping service again after a Crash: the epoch starts anew, and what it finds
// forwarded is permanent now, as miniupnpd does.
func (h *Home) Return() {
	h.mu.Lock()
	for _, e := range h.table {
		e.lease = 0
	}
	h.state = running
	h.booted = h.now()
	h.bootID++
	h.mu.Unlock()
	h.changed()
	h.announce(true)
}

// Flush empties the table behind the router's back. The epoch goes on and nothing is announced.
func (h *Home) Flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.table)
}

// ExpireAll lets every lease run out now. Permanent entries stay.
func (h *Home) ExpireAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.table {
		e.renewed = h.now().Add(-e.lease)
	}
	h.settle()
}

// Stall stops the forwarding of what is in the table now: it stays listed, renewing it changes
// nothing, and only deleting and adding it anew helps (#3, tailscale#21208).
func (h *Home) Stall() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.table {
		e.stalled = true
	}
}

// Renumber gives the router another public address, as a provider does at night. It is announced, and
// the epoch starts anew, as RFC 6887 section 8.5 wants it and miniupnpd does; see Faults.EpochGoesOn.
func (h *Home) Renumber(to netip.Addr) {
	h.mu.Lock()
	h.setOuter(to)
	h.public = h.outer
	h.mu.Unlock()
	h.announce(false)
}

// SetOuter changes what the router takes for its outer address, and not what the internet sees: a
// private one is double NAT, one of 100.64.0.0/10 carrier NAT, any other public one is stale or a lie
// (#8). What is no IPv4 address becomes 0.0.0.0. It is announced like Renumber's. The router goes on mapping; see Faults.NoOuter for one that refuses.
func (h *Home) SetOuter(to netip.Addr) {
	h.mu.Lock()
	h.setOuter(to)
	h.mu.Unlock()
	h.announce(false)
}

func (h *Home) setOuter(to netip.Addr) {
	to = ipv4(to)
	if to != h.outer && !h.faults.EpochGoesOn {
		h.booted = h.now()
	}
	h.outer = to
}

// SetPublic changes what the internet sees, and not what the router believes.
func (h *Home) SetPublic(to netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.public = ipv4(to)
}

// SetWAN takes the outer side down or up. While it is down the router maps nothing.
func (h *Home) SetWAN(up bool) {
	h.mu.Lock()
	h.wanDown = !up
	h.mu.Unlock()
	h.changed()
}

// Behind puts the router behind another one, on whose LAN it has the address outer. The public
// address is the other's. A stranger's packet has to be forwarded by both.
func (h *Home) Behind(above *Home, outer netip.Addr) {
	_, _, public := above.link()
	h.mu.Lock()
	h.above, h.outer, h.public = above, ipv4(outer), public
	h.mu.Unlock()
}

// SetSelf gives this PC another address, as DHCP does. Entries still lead to the old one.
func (h *Home) SetSelf(to netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.self = to
}

// Take lets another LAN host hold a port, by a permanent UPnP entry to its own port of that number.
func (h *Home) Take(host netip.Addr, t portmap.Transport, external uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, at := h.now(), netip.AddrPortFrom(host, external)
	h.table[key{t, external}] = &entry{
		internal: at, asked: at, owner: portmap.UPnP, description: "another host", made: now, renewed: now,
	}
}

// Release ends whatever entry a protocol made for a port.
func (h *Home) Release(t portmap.Transport, external uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.table, key{t, external})
}

// Forward makes an entry by hand in the router's menu. It has no lease and survives a reboot. A hidden
// one wins over the protocols' entries without their knowing.
func (h *Home) Forward(t portmap.Transport, external uint16, to netip.AddrPort, hidden bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.manual[key{t, external}] = manualEntry{internal: to, hidden: hidden}
}

// Unforward deletes an entry that was made by hand.
func (h *Home) Unforward(t portmap.Transport, external uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.manual, key{t, external})
}
