package simhome

import (
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// ask is a request for a mapping, in no protocol's own terms.
type ask struct {
	protocol    portmap.Protocol
	from        netip.Addr // who asks
	transport   portmap.Transport
	internal    netip.AddrPort
	external    uint16        // 0 = any
	lease       time.Duration // 0 = permanent
	description string
	nonce       portmap.Nonce
	exact       bool // this external port or none: UPnP's AddPortMapping, PCP's PREFER_FAILURE
}

// grant is the answer to an ask.
type grant struct {
	outer    netip.Addr
	external uint16
	lease    time.Duration
}

// no is why a router refuses, in no protocol's own terms; codes.go gives each protocol's.
type no int

const (
	fine no = iota
	denied
	conflict       // the external port is somebody else's
	conflictByHand // and that was made by hand
	noOuterAddress
	full
	notTheCaller // the internal client is not who asks
	wrongNonce
	onlyPermanent
	badLease // 402, the answer of lazy firmware
	unequalPorts
	tooEarly
	noSuchEntry
)

// add decides about a request for a mapping and, if it is granted, writes the table.
func (h *Home) add(a ask) (grant, no) {
	h.settle()
	if why := h.refuse(a); why != fine {
		return grant{}, why
	}
	k, why := h.place(a)
	if why != fine {
		return grant{}, why
	}
	g := grant{outer: h.outer, external: k.external, lease: h.shorten(a)}
	old := h.table[k]
	if old == nil && h.isFull() {
		if h.faults.FullLies {
			return g, fine
		}
		return grant{}, full
	}
	if why := h.mayRenew(a, old); why != fine {
		return grant{}, why
	}
	if !h.faults.KeepsNothing {
		h.write(k, a, g.lease)
	}
	return g, fine
}

func (h *Home) isFull() bool { return h.faults.Slots > 0 && len(h.table) >= h.faults.Slots }

// refuse knows the refusals that do not depend on the table.
func (h *Home) refuse(a ask) no {
	f := &h.faults
	upnp := a.protocol == portmap.UPnP
	switch {
	case f.Deny:
		return denied
	case f.SecureMode && a.internal.Addr() != a.from:
		return notTheCaller
	case f.NoOuter || h.wanDown:
		return noOuterAddress
	case upnp && f.OnlyPermanent && a.lease != 0:
		return onlyPermanent
	case upnp && (f.RefuseFinite402 && a.lease != 0 || f.RefusePermanent402 && a.lease == 0):
		return badLease
	case f.SamePortOnly && a.external != 0 && a.external != a.internal.Port():
		return unequalPorts
	}
	return fine
}

// place chooses the external port.
func (h *Home) place(a ask) (key, no) {
	want := key{a.transport, a.external}
	if want.external == 0 {
		want.external = a.internal.Port()
	}
	exact := a.exact && !(h.faults.OtherPort && a.protocol == portmap.PCP)
	if a.protocol != portmap.UPnP {
		// RFC 6886 section 3.3: asking for another external port does not move a mapping.
		if k, old := h.byInternal(a.transport, a.internal); old != nil {
			if exact && k != want {
				return key{}, conflict
			}
			return k, fine
		}
	}
	if h.faults.OneForEach && h.hasOther(want, a.internal) {
		return key{}, conflict
	}
	taken, manual := h.taken(want, a.internal)
	switch {
	case !taken:
		return want, fine
	case !exact && !h.faults.RefuseConflict && !h.faults.SamePortOnly:
		return h.nextFree(want, a.internal)
	case manual:
		return key{}, conflictByHand
	case h.sameClient(want, a):
		return want, fine
	}
	return key{}, conflict
}

// sameClient: UPnP lets a host overwrite its own entry with another internal port
// (WANIPConnection:1 section 2.4.16).
func (h *Home) sameClient(k key, a ask) bool {
	return a.protocol == portmap.UPnP && h.table[k].asked.Addr() == a.internal.Addr()
}

// hasOther reports whether a place inside already has an external port other than want.
func (h *Home) hasOther(want key, internal netip.AddrPort) bool {
	for k, e := range h.table {
		if k != want && k.transport == want.transport && e.asked == internal {
			return true
		}
	}
	return false
}

// nextFree walks up from a taken port, as miniupnpd does: 27887 after 27886.
func (h *Home) nextFree(k key, by netip.AddrPort) (key, no) {
	for range 1 << 16 {
		if k.external++; k.external < 1024 {
			k.external = 1024
		}
		if taken, _ := h.taken(k, by); !taken {
			return k, fine
		}
	}
	return key{}, full
}

// mayRenew decides whether an existing entry may be written anew.
func (h *Home) mayRenew(a ask, old *entry) no {
	if old == nil {
		return fine
	}
	pcp := a.protocol == portmap.PCP && old.owner == portmap.PCP
	switch {
	case pcp && h.faults.NonceStrict && a.nonce != old.nonce:
		return wrongNonce
	case h.faults.EarlyRenewal718 && a.protocol == portmap.UPnP && h.left(old) > old.lease/2:
		return tooEarly
	}
	return fine
}

func (h *Home) shorten(a ask) time.Duration {
	d := a.lease
	if a.protocol != portmap.UPnP {
		d = max(d, h.faults.LeaseMin)
	}
	if h.faults.LeaseMax > 0 {
		d = min(d, h.faults.LeaseMax)
	}
	return d
}

// write makes or renews an entry. The first description stays, as with miniupnpd; so does a stall.
func (h *Home) write(k key, a ask, lease time.Duration) {
	now := h.now()
	e := h.table[k]
	renewal := e != nil
	if !renewal {
		e = &entry{made: now, description: a.description}
		h.table[k] = e
	}
	e.internal, e.asked, e.owner, e.nonce, e.lease, e.renewed = a.internal, a.internal, a.protocol, a.nonce, lease, now
	if h.faults.StoredHost.IsValid() {
		e.internal = netip.AddrPortFrom(h.faults.StoredHost, a.internal.Port())
	}
	if renewal && h.faults.RenewMovesPort {
		e.internal = netip.AddrPortFrom(e.internal.Addr(), k.external)
	}
	if h.faults.KeepsFor > 0 {
		e.forgotten = now.Add(h.faults.KeepsFor)
	}
}
