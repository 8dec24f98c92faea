package simhome

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// key is what the router's table is sorted by.
type key struct {
	transport portmap.Transport
	external  uint16
}

// entry is one line of the table. It belongs to the Home's mutex.
type entry struct {
	internal    netip.AddrPort
	asked       netip.AddrPort   // what internal was asked to be; differs with Faults.StoredHost
	owner       portmap.Protocol // who wrote it last
	description string
	nonce       portmap.Nonce
	lease       time.Duration // as granted; 0 = permanent
	made        time.Time     // when it appeared, renewals do not count
	renewed     time.Time
	forgotten   time.Time // when the router loses it in spite of its lease; zero = never
	stalled     bool      // listed and renewed, not forwarded
}

// manualEntry was made by hand in the router's menu.
type manualEntry struct {
	internal netip.AddrPort
	hidden   bool // protocols do not see it
}

// Entry is one line of the router's table, for tests and the demo.
type Entry struct {
	Transport   portmap.Transport
	External    uint16
	Internal    netip.AddrPort
	Protocol    portmap.Protocol // who wrote it last; "" = by hand
	Description string
	Lease       time.Duration // as granted; 0 = permanent
	Left        time.Duration // until it ends; 0 = permanent
	Nonce       portmap.Nonce // PCP only
}

const manualDescription = "manual forward"

// Table lists what the router has in force, those made by hand and hidden ones included, by
// transport and port.
func (h *Home) Table() []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	list := make([]Entry, 0, len(h.table)+len(h.manual))
	for k, m := range h.manual {
		list = append(list, Entry{Transport: k.transport, External: k.external, Internal: m.internal, Description: manualDescription})
	}
	for k, e := range h.table {
		list = append(list, Entry{
			Transport: k.transport, External: k.external, Internal: e.internal, Protocol: e.owner,
			Description: e.description, Lease: e.lease, Left: h.left(e), Nonce: e.nonce,
		})
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.External, b.External), cmp.Compare(a.Protocol, b.Protocol))
	})
	return list
}

// left is how long an entry's lease still runs; 0 for a permanent one.
func (h *Home) left(e *entry) time.Duration {
	if e.lease == 0 {
		return 0
	}
	return e.lease - h.now().Sub(e.renewed)
}

// settle brings the table up to the present. Everything that looks at the table calls it first, so
// that no timer is needed.
func (h *Home) settle() {
	if h.state == crashed { // nobody is there to end a lease
		return
	}
	now := h.now()
	if every := h.faults.CleanEvery; every > 0 && now.Sub(h.cleaned) >= every {
		h.cleaned = now
		if len(h.table) > h.faults.CleanOver {
			clear(h.table)
		}
	}
	for k, e := range h.table {
		ended := e.lease > 0 && now.Sub(e.renewed) >= e.lease
		lost := !e.forgotten.IsZero() && !now.Before(e.forgotten)
		killed := h.faults.KilledAt24h && now.Sub(e.made) >= 24*time.Hour
		if ended || lost || killed {
			delete(h.table, k)
		}
	}
}

// taken says whether a port leads somewhere else than to the given place, as far as the router's
// protocols know, and whether it was forwarded by hand.
func (h *Home) taken(k key, by netip.AddrPort) (taken, manual bool) {
	if m, ok := h.manual[k]; ok && !m.hidden && m.internal != by {
		return true, true
	}
	e, ok := h.table[k]
	return ok && e.asked != by, false
}

// byInternal finds the entry that PCP or NAT-PMP made for a place inside: to them a mapping belongs
// to its internal port (RFC 6886 section 3.3, RFC 6887 section 11.3).
func (h *Home) byInternal(t portmap.Transport, internal netip.AddrPort) (key, *entry) {
	for k, e := range h.table {
		if k.transport == t && e.asked == internal && e.owner != portmap.UPnP {
			return k, e
		}
	}
	return key{}, nil
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.transport, b.transport), cmp.Compare(a.external, b.external))
}
