package simhome

import (
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Op is what a request asked for.
type Op string

// The kinds of request.
const (
	OpAnnounce Op = "announce" // PCP ANNOUNCE
	OpAddress  Op = "address"  // NAT-PMP or UPnP: the outer address
	OpMap      Op = "map"      // a new mapping or a renewal
	OpUnmap    Op = "unmap"
	OpSearch   Op = "search"   // SSDP M-SEARCH
	OpDescribe Op = "describe" // the UPnP description
	OpRead     Op = "read"     // UPnP: read entries back
	OpStatus   Op = "status"   // UPnP GetStatusInfo
	OpUnknown  Op = "unknown"  // nothing that the router knows
)

// Request is one request that reached the router, lost ones included.
type Request struct {
	At       time.Time
	Protocol portmap.Protocol
	Op       Op
	From     netip.Addr
}

// ringSize bounds how many requests are remembered one by one: about a day at the rates allowed.
const ringSize = 8192

// Tally is what was asked of the router so far.
type Tally struct {
	MaxInFlight int       // most requests under way at once, all protocols together
	Recent      []Request // the last 8192, oldest first

	counts map[tallyKey]int
}

type tallyKey struct {
	protocol portmap.Protocol
	op       Op
}

// Of counts the requests of one protocol: of the kinds given, or all of them.
func (t Tally) Of(p portmap.Protocol, ops ...Op) int {
	n := 0
	for k, count := range t.counts {
		if k.protocol == p && (len(ops) == 0 || slices.Contains(ops, k.op)) {
			n += count
		}
	}
	return n
}

// Total counts all requests.
func (t Tally) Total() int {
	n := 0
	for _, count := range t.counts {
		n += count
	}
	return n
}

// Since counts the requests from a time on, as far as they are remembered one by one.
func (t Tally) Since(at time.Time) int {
	n := 0
	for _, r := range t.Recent {
		if !r.At.Before(at) {
			n++
		}
	}
	return n
}

// Closest is the shortest time between two requests of a protocol; 0 if there were fewer than two.
func (t Tally) Closest(p portmap.Protocol) time.Duration {
	var last time.Time
	shortest := time.Duration(-1)
	for _, r := range t.Recent {
		if r.Protocol != p {
			continue
		}
		if gap := r.At.Sub(last); !last.IsZero() && (shortest < 0 || gap < shortest) {
			shortest = gap
		}
		last = r.At
	}
	return max(0, shortest)
}

// ledger is the Tally in the making. It belongs to the Home's mutex.
type ledger struct {
	counts   map[tallyKey]int
	ring     []Request
	next     int // where the ring is written once it is full
	inFlight int
	most     int
	datagram int // UDP requests, for Faults.LossEvery
	soap     int // UPnP requests over HTTP under way
	lastSOAP time.Time
}

func (l *ledger) add(r Request) {
	if l.counts == nil {
		l.counts = map[tallyKey]int{}
	}
	l.counts[tallyKey{r.Protocol, r.Op}]++
	if len(l.ring) < ringSize {
		l.ring = append(l.ring, r)
		return
	}
	l.ring[l.next] = r
	l.next = (l.next + 1) % ringSize
}

// Requests tells what was asked of the router so far.
func (h *Home) Requests() Tally {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := Tally{MaxInFlight: h.tally.most, counts: make(map[tallyKey]int, len(h.tally.counts))}
	for k, n := range h.tally.counts {
		t.counts[k] = n
	}
	t.Recent = append(slices.Clone(h.tally.ring[h.tally.next:]), h.tally.ring[:h.tally.next]...)
	return t
}
