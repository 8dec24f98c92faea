package daemon

import (
	"cmp"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Decision is what one pass comes to.
type Decision struct {
	Ports []Ladder  // one per configured port
	Look  Look      // what to read before deciding again
	Do    []Action  // what to do now, in this order
	Next  time.Time // when to decide again if nothing happens; zero: nothing is planned
	What  string    // what will be due then, for people
}

// Look is what the next observation shall ask the router.
type Look struct {
	Outer     portmap.Protocol // ask this client for outer address and epoch; "" = do not ask
	Address   bool             // ask UPnP for the outer address: the client above tells the epoch alone
	Entries   []int            // read these ports back
	Homes     []int            // read the configured external ports of these ports, while they are displaced
	Upstream  bool             // ask the second router for its outer address
	UpEntries []int            // read these ports back there
	Owners    []int            // see who holds these ports on this PC
}

// Action is one thing to do.
type Action struct {
	Kind     ActionKind
	Port     int              // Map, Repair, CheckOutside
	Protocol portmap.Protocol // Map
}

// ActionKind says what an Action does.
type ActionKind int

// The kinds of action. Those from Map on write to a router, but for AskPublic,
// CheckOutside and Displace.
const (
	StartSearch ActionKind = iota + 1
	Map
	AskPublic // both sources that are due; see publicState
	Repair    // take our entry out: the next turn maps anew, and then checks once more
	CheckOutside
	Displace        // try the next external port
	MoveBack        // give the other external port back; the next turn asks for the configured one
	Shut            // take our entry out: nothing is to be open on this network
	RemoveOld       // take out our own entry from a former address
	TakeOver        // take out another PC's entry: a person has asked
	FindHop         // look for a second router in front of ours
	SearchUpstream  // ask it by every protocol
	MapUpstream     // ask it for the port
	CleanUp         // take out an entry that an earlier run has left
	CleanUpUpstream // the same at the second router
	LookFirewall    // see what this PC's firewall does
	Knock           // see whether a router that is away is back, by one protocol
)

// decide says what all that is known comes to, what to read, what to do, and when to think again.
// It is pure: no clock, no I/O, no log. Its table of tests is the specification.
func decide(s *state, now time.Time) Decision {
	p := planner{s: s, now: now}
	if s.stopped {
		p.dec.Ports = ladders(s, now)
		return p.dec
	}
	if s.closed() {
		p.shut()
	} else if s.way().Valid() {
		p.search()
		for i := range s.ports {
			p.port(i)
		}
		p.outer()
		p.public()
		p.upstream()
		if _, left := s.leftover(); left && s.settled() {
			p.dec.Do = append(p.dec.Do, Action{Kind: CleanUp})
		}
		for i := range s.ports {
			p.owner(i)
			p.firewall(i)
			p.check(i)
		}
	}
	p.dec.Ports = ladders(s, now)
	return p.dec
}

// planner gathers a Decision.
type planner struct {
	s   *state
	now time.Time
	dec Decision
}

// due reports whether at has come; if it has not, it is remembered as something to wake up for.
func (p *planner) due(at time.Time, what string) bool {
	if !at.After(p.now) {
		return true
	}
	if p.dec.Next.IsZero() || at.Before(p.dec.Next) {
		p.dec.Next, p.dec.What = at, what
	}
	return false
}

// shut plans to take back what was opened before it was known that the network is a public one.
func (p *planner) shut() {
	for i := range p.s.ports {
		if p.s.ports[i].mapping != nil {
			p.dec.Do = append(p.dec.Do, Action{Kind: Shut, Port: i})
		}
	}
}

func (p *planner) search() {
	r := &p.s.router
	if r.running {
		return
	}
	never := r.begun.IsZero()
	if never || (!r.again.IsZero() && p.due(r.again, "ask the router again")) {
		p.dec.Do = append(p.dec.Do, Action{Kind: StartSearch})
		return
	}
	p.knocks()
}

// port plans for one port: renew and read back what is held, ask for what is not.
func (p *planner) port(i int) {
	port := &p.s.ports[i]
	if port.takeover {
		p.dec.Do = append(p.dec.Do, Action{Kind: TakeOver, Port: i})
		return
	}
	if m := port.mapping; m != nil {
		p.held(i, *m)
		p.moveBack(i)
		return
	}
	if port.manual {
		if p.s.router.clients[portmap.UPnP] != nil && p.due(port.lookDue, "read the entry back") {
			p.dec.Look.Entries = append(p.dec.Look.Entries, i)
		}
		return
	}
	for _, protocol := range p.order(port) {
		if p.ask(i, protocol) {
			return
		}
	}
	p.displace(i)
}

func (p *planner) held(i int, m portmap.Mapping) {
	port := &p.s.ports[i]
	if p.s.router.clients[m.Protocol] == nil {
		return // away: a search is under way or planned
	}
	if m.Lease != 0 {
		at := m.RenewAt()
		if p.now.Before(m.Granted.Add(-time.Minute)) {
			at = p.now // the clock was set back: no telling how old the lease is
		}
		if p.due(later(at, port.refusals[m.Protocol].until), "renew the mapping") {
			if m.Protocol == portmap.UPnP && !port.justRead(p.now) { // somebody else may have it by now
				p.dec.Look.Entries = append(p.dec.Look.Entries, i)
				return
			}
			p.dec.Do = append(p.dec.Do, Action{Kind: Map, Port: i, Protocol: m.Protocol})
			return
		}
	}
	if m.Protocol == portmap.UPnP && p.due(port.lookDue, "read the entry back") {
		p.dec.Look.Entries = append(p.dec.Look.Entries, i)
	}
}

// justRead reports whether the router's entry was read so shortly ago that a request may rely on it.
func (p *portState) justRead(now time.Time) bool {
	since := now.Sub(p.entry.At)
	return p.entry.Asked() && since >= 0 && since <= freshLook
}

// order is the order in which to ask for a port: the protocol of an entry of ours that the router
// may still hold first, so that a restart takes it over instead of adding a second one; then as
// portmap prefers them.
func (p *planner) order(port *portState) []portmap.Protocol {
	own, _ := p.s.memory.owns(p.s.mac, p.s.way().Gateway, port.transport(), port.want())
	order := []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}
	slices.SortStableFunc(order, func(a, b portmap.Protocol) int {
		return cmp.Compare(rank(a, own.Protocol), rank(b, own.Protocol))
	})
	return order
}

func rank(p, own portmap.Protocol) int {
	if p == own {
		return 0
	}
	return 1
}

// ask plans to ask for port i by one protocol, if that makes sense now; it reports whether the
// others shall wait for the outcome.
func (p *planner) ask(i int, protocol portmap.Protocol) bool {
	port, r := &p.s.ports[i], &p.s.router
	if r.clients[protocol] == nil {
		return false
	}
	if !p.due(port.refusals[protocol].until, "ask for the port again") {
		return false
	}
	if protocol == portmap.UPnP {
		// A router's table is read before it is written: no UPnP router asks whose entry it
		// replaces, and a hand-made forward to this PC is to be left alone.
		if !port.justRead(p.now) {
			if _, other := p.s.heldByOther(port); !other || p.due(port.lookDue, "see whether the port is free") {
				p.dec.Look.Entries = append(p.dec.Look.Entries, i)
				return true
			}
			return false
		}
		if holds, other := p.s.heldByOther(port); other {
			if old, ours := p.s.ownOld(port); ours && !port.triedOld && holds == old.Internal {
				p.dec.Do = append(p.dec.Do, Action{Kind: RemoveOld, Port: i})
				return true
			}
			if p.s.ourOwn(port) && holds.Addr() == p.s.way().Local {
				// A renewal has moved the internal port (seen as a quirk of renewals): make it anew.
				p.dec.Do = append(p.dec.Do, Action{Kind: RemoveOld, Port: i})
				return true
			}
			p.due(port.lookDue, "see whether the port is free")
			return false
		}
	}
	p.dec.Do = append(p.dec.Do, Action{Kind: Map, Port: i, Protocol: protocol})
	return true
}

// settled reports whether every port has its mapping or its no.
func (s *state) settled() bool {
	if s.router.rounds > 0 {
		return true
	}
	for i := range s.ports {
		p := &s.ports[i]
		if p.mapping == nil && !p.manual && !s.refusedByAll(p) {
			return false
		}
	}
	return true
}

// refusedByAll reports whether every protocol has said no for a port or is not to be had, and at
// least one has said no.
func (s *state) refusedByAll(p *portState) bool {
	if !s.router.heard(s.protocols()) {
		return false
	}
	any := false
	for protocol := range s.router.clients {
		_, held := s.heldByOther(p)
		if _, no := p.refusals[protocol]; !no && !(protocol == portmap.UPnP && held) {
			return false
		}
		any = true
	}
	return any
}
