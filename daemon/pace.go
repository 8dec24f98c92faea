package daemon

import (
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file spreads what a router is asked while nothing happens. Renewals come first, then the
// read-backs; the questions that tell its epoch and its outer address get what is left.

const (
	idleRequests    = 300 // an hour to a router, of all kinds together
	addressRequests = 30  // of these, at least
	searchRequests  = 6   // of a search that finds somebody: those who do not answer are asked again
)

// anHour is how often something happens in an hour that happens every d.
func anHour(d time.Duration) int { return int((time.Hour + d - 1) / max(d, time.Second)) }

// apart is the time between two requests when n things share so many requests an hour.
func apart(n, requests int) time.Duration {
	seconds := n * int(time.Hour/time.Second)
	requests = max(requests, addressRequests)
	return time.Duration((seconds+requests-1)/requests) * time.Second
}

// renewals is how many requests an hour a mapping's renewals take; by UPnP the table is read first.
func renewals(protocol portmap.Protocol, lease time.Duration) int {
	switch {
	case lease == 0:
		return 0
	case protocol == portmap.UPnP:
		return 2 * anHour(lease/2)
	}
	return anHour(lease / 2)
}

// readBack is the time between two read-backs of one entry: the setting, stretched where many ports
// would ask too much of the router.
func (s *state) readBack() time.Duration {
	entries := len(s.ports)
	for i := range s.ports {
		if s.ports[i].elsewhere != 0 { // the configured port is looked at, too
			entries++
		}
	}
	left := idleRequests - addressRequests - len(s.ports)*renewals(portmap.UPnP, s.settings.Router.Lease)
	if s.outerProtocol() == portmap.PCP { // epoch and address are two questions
		left -= addressRequests
	}
	return max(s.settings.Router.ReadBack, apart(entries, left))
}

// upkeep is how many requests an hour keep a mapping: renewals and, by UPnP, read-backs.
func (s *state) upkeep(m *portmap.Mapping) int {
	switch {
	case m == nil:
		return 0
	case m.Protocol == portmap.UPnP:
		return renewals(m.Protocol, m.Lease) + anHour(s.readBack())
	}
	return renewals(m.Protocol, m.Lease)
}

// left is how many requests an hour the questions about the router itself may take.
func (s *state) left() int {
	n := idleRequests
	if s.misses() {
		n -= searchRequests * anHour(missingAgain)
	}
	for i := range s.ports {
		p := &s.ports[i]
		n -= s.upkeep(p.mapping)
		if s.router.clients[portmap.UPnP] != nil && (p.mapping == nil || p.elsewhere != 0) { // whose entry is it?
			n -= anHour(s.readBack())
		}
	}
	return n
}

// outerEvery is the time between two questions that tell most: the epoch, and but for PCP the outer
// address as well.
func (s *state) outerEvery() time.Duration {
	switch s.outerProtocol() {
	case portmap.NATPMP:
		return max(epochEvery, apart(1, s.left()))
	case portmap.PCP:
		return max(epochEvery, apart(1, s.left()-2*addressRequests)) // the address is asked for each minute, if there is room
	}
	return s.addressEvery()
}

// addressEvery is the time between two questions for the outer address where the epoch comes without
// it, or not at all.
func (s *state) addressEvery() time.Duration {
	// Who wants a router asked rarely means this, too.
	least, left := max(epochEvery, s.settings.Router.ReadBack/3), s.left()
	if s.onlyPCP() { // a mapping request, which a router may write to its flash
		least = max(epochEvery, s.settings.Router.ReadBack)
	}
	if s.outerProtocol() != portmap.PCP {
		return max(least, apart(1, left))
	}
	epoch := s.outerEvery()
	turns := (max(least, apart(1, left-anHour(epoch))) + epoch - 1) / epoch // the two are asked together
	return turns * epoch
}

// upstreamEvery is the time between two questions for the second router's epoch and outer address.
func (s *state) upstreamEvery() time.Duration {
	left, least := idleRequests, epochEvery
	for i := range s.ports {
		left -= s.upkeep(s.ports[i].up.mapping)
	}
	if s.upstream.clients[portmap.NATPMP] == nil {
		least = max(least, s.settings.Router.ReadBack/3)
	}
	return max(least, apart(1, left))
}
