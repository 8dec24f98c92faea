package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
	"github.com/portsitter/portsitter/netutil/route"
)

// state is all the loop knows and has done. Only the loop's goroutine touches it; learn.go writes
// it, decide and the ladder read it.
type state struct {
	settings configs.Settings
	started  time.Time
	turned   time.Time // of the last turn, by the wall clock
	memory   Memory
	route    Fact[route.Report]
	wayless  time.Time      // since when there is no way out; zero: there is one
	mac      string         // of the gateway, "" while not known
	category route.Category // how Windows calls this network
	router   routerState
	public   publicState
	upstream upstreamState
	ports    []portState
	checks   uint64 // how many checks from outside have begun
	stopped  bool
}

// routerState is about the gateway of the present route; a new route starts it anew.
type routerState struct {
	clients map[portmap.Protocol]portmap.Client // who answered, and still does
	errs    map[portmap.Protocol]error          // why the others are not to be had

	search   int // number of the search that runs or ran last; answers to older ones are dropped
	running  bool
	begun    time.Time
	rounds   int              // searches in a row that ended with nobody there
	again    time.Time        // when to search next; zero: not planned
	knockDue time.Time        // when to knock meanwhile; zero: not at all
	spoke    portmap.Protocol // what told most when it last answered
	answered time.Time        // when the router last answered anything

	fellSilent time.Time // when NAT-PMP last fell silent

	outer         Fact[portmap.Outer]
	outerDue      time.Time
	addressDue    time.Time  // next question for the address alone, where the epoch comes without it
	lastOuter     netip.Addr // the last one it told
	outerLost     time.Time  // since when it says that it has none; zero: it has one, or never told any
	epochs        map[portmap.Protocol]*portmap.EpochClock
	bootedAt      time.Time                 // from the epoch; zero when not told
	notified      portmap.NotifyWatch       // tells a start from UPnP's routine announcements
	hinted        time.Time                 // when an announcement last made us look
	notifiedOnce  bool                      // a UPnP announcement has been heard
	gentle        bool                      // UPnP requests go apart from the first one on
	missing       map[portmap.Protocol]bool // had answered, and are gone
	triedLeftover map[OwnEntry]bool         // recorded entries that were tried to be removed
}

// publicState is what the internet says about our address.
type publicState struct {
	http, stun       Fact[netip.Addr]
	httpDue, stunDue time.Time
	asking           bool
	failures         int // in a row, of all sources together
	address          netip.Addr
	since            time.Time
	changes          uint64 // of address since the start
}

// portState is about one configured port.
type portState struct {
	port        configs.Port
	mapping     *portmap.Mapping    // what the router granted and, for all we know, still holds
	entry       Fact[portmap.Entry] // last read-back; Err ErrNoEntry is knowledge, too
	reads       int                 // read-backs that showed the entry since the grant
	vain        int                 // grants in a row that a read-back did not find
	verified    time.Time           // last time the router confirmed that it holds the mapping
	lookDue     time.Time           // next read-back
	leftBehind  bool                // at the stop: the router has not confirmed that the entry is gone
	leftForGood bool                // and nothing ends it by itself: it is a permanent one
	takenOut    bool                // at the stop: it has
	granted     bool                // since the start
	shutSince   time.Time           // since when the port is not open; zero while it is
	perhapsShut bool                // since then; the router may only have been silent
	unsure      bool                // the router was away: it is not known whether it still holds the mapping
	lostAt      time.Time           // when the mapping was lost, as far as known; zero while the port is open
	leaseEnded  time.Time           // when an entry of ours was last left to its lease, and that was over
	told        Diagnosis           // what the history said last
	tally       tally               // what is counted; a new route does not begin it anew
	lostWhy     string              // why the mapping that was there is not there any more, for people
	manual      bool                // the entry was made by hand: hands off
	refusals    map[portmap.Protocol]refusal
	changed     time.Time              // when mapping or public address last became another: older checks do not count
	owners      Fact[portowner.Owners] // who holds the port on this PC
	ownersDue   time.Time
	check       checkState
	firewall    firewallState
	up          upPort

	elsewhere    uint16                       // the external port while another one holds the configured one; 0: not displaced
	homeEntry    Fact[portmap.Entry]          // read-back of the configured port meanwhile
	homeDue      time.Time                    // next of those
	homeRefusals map[portmap.Protocol]refusal // what was said about the configured port
	elsewhereOff time.Time                    // until then no other external port is asked for: the router gives none
	backDue      time.Time                    // when to try to move back where the table cannot be read
	triedOld     bool                         // our entry from a former address was tried to be removed
	takeover     bool                         // a person has asked to remove the holder's entry
	takeoverErr  error                        // what came of it
}

// refusal is a mapping request that came to nothing, and when that protocol may be asked again.
type refusal struct {
	err   error
	count int // in a row
	until time.Time
}

// otherPortError is a grant for another external port than the one asked for: what RFC 6886 and
// RFC 6887 let a router do when the port is taken. It is given back at once.
type otherPortError struct{ asked, got uint16 }

func (e otherPortError) Error() string {
	return fmt.Sprintf("the router offered port %d instead of %d, which must be taken", e.got, e.asked)
}

// errNotKept is a grant that a read-back did not find soon after.
var errNotKept = errors.New("the router said yes but its table has no such entry")

// misdirectedError is a grant that the router wrote down with another address than the one asked
// for.
type misdirectedError struct{ asked, holds netip.AddrPort }

func (e misdirectedError) Error() string {
	return fmt.Sprintf("the router granted the port to %s but its entry leads to %s", e.asked, e.holds)
}

func newState(settings configs.Settings, memory Memory, now time.Time) *state {
	s := &state{started: now, memory: memory.expired(now)}
	s.memory.Checks = slices.DeleteFunc(slices.Clone(s.memory.Checks), func(at time.Time) bool { return at.After(now) })
	s.router = newRouterState()
	s.forgetUpstream()
	s.configure(settings)
	return s
}

func newRouterState() routerState {
	return routerState{
		clients:       map[portmap.Protocol]portmap.Client{},
		errs:          map[portmap.Protocol]error{},
		epochs:        map[portmap.Protocol]*portmap.EpochClock{},
		missing:       map[portmap.Protocol]bool{},
		triedLeftover: map[OwnEntry]bool{},
	}
}

// configure takes over new settings. What is known about a port that stays is kept. It returns the
// mappings of the ports that are no longer wanted.
func (s *state) configure(settings configs.Settings) []portmap.Mapping {
	old := s.ports
	s.settings, s.ports = settings, make([]portState, len(settings.Ports))
	for i, p := range settings.Ports {
		s.ports[i] = portState{port: p, refusals: map[portmap.Protocol]refusal{}}
		s.ports[i].wasShut(s.memory)
		for j, o := range old {
			if o.port.Transport == p.Transport && o.port.Port == p.Port && o.port.ExternalPort == p.ExternalPort {
				s.ports[i] = o
				s.ports[i].port = p
				old[j].mapping, old[j].up.mapping = nil, nil
			}
		}
	}
	var unwanted []portmap.Mapping
	for _, o := range old {
		if o.up.mapping != nil {
			unwanted = append(unwanted, *o.up.mapping)
		}
		if o.mapping != nil {
			unwanted = append(unwanted, *o.mapping)
		}
	}
	for i := range s.ports {
		if p := &s.ports[i]; p.up.mapping != nil && !s.mayAskUpstream(p.up.mapping.Protocol) {
			unwanted = append(unwanted, *p.up.mapping)
			p.up = upPort{}
		}
	}
	return unwanted
}

// protocols are the ones the settings allow, in their order.
func (s *state) protocols() []portmap.Protocol {
	ps := make([]portmap.Protocol, len(s.settings.Router.Protocols))
	for i, p := range s.settings.Router.Protocols {
		ps[i] = portmap.Protocol(p)
	}
	return ps
}

// heard reports whether every protocol has had its answer since the search began.
func (r *routerState) heard(protocols []portmap.Protocol) bool {
	for _, p := range protocols {
		if r.clients[p] == nil && r.errs[p] == nil {
			return false
		}
	}
	return true
}

// confirmed reports whether the router has confirmed a mapping: from then on there is no hurry.
func (s *state) confirmed() bool {
	for i := range s.ports {
		if p := &s.ports[i]; p.mapping != nil && !p.verified.IsZero() {
			return true
		}
	}
	return false
}

// closed reports whether this network is one on which nothing is to be opened (house rule 14).
func (s *state) closed() bool {
	return s.category == route.PublicNetwork && !s.settings.Network.PublicProfile
}

// way is the present route; not valid when there is none.
func (s *state) way() route.Route {
	if !s.route.Known() {
		return route.Route{}
	}
	return s.route.Value.Route
}

func (p *portState) transport() portmap.Transport { return portmap.Transport(p.port.Transport) }

// internal is where the port's mapping has to lead.
func (s *state) internal(p *portState) netip.AddrPort {
	return netip.AddrPortFrom(s.way().Local, p.port.Port)
}

// heldByOther is the LAN address that the router's entry leads to, when that is not ours.
func (s *state) heldByOther(p *portState) (netip.AddrPort, bool) {
	if !p.entry.Known() || p.entry.Value.Internal == s.internal(p) {
		return netip.AddrPort{}, false
	}
	return p.entry.Value.Internal, true
}

// portNamed finds a port by its name; "" is the first one. -1: there is none.
func (s *state) portNamed(name string) int {
	for i, p := range s.ports {
		if name == "" || p.port.Name == name {
			return i
		}
	}
	return -1
}

// portOfCheck finds the port that a running check is about; -1 when it is not wanted any more.
func (s *state) portOfCheck(id uint64) int {
	for i, p := range s.ports {
		if p.check.id == id && p.check.running {
			return i
		}
	}
	return -1
}
