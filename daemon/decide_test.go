package daemon

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
)

// The table below is the specification of decide: a story of what was learnt, and what the loop
// makes of it. A bug report becomes a row.

var (
	t0      = time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	gateway = netip.MustParseAddr("192.168.1.1")
	self    = netip.MustParseAddr("192.168.1.23")
	other   = netip.MustParseAddr("192.168.1.50")
	outside = netip.MustParseAddr("11.77.0.2")
	home    = route.Report{Route: route.Route{Gateway: gateway, Local: self, Prefix: netip.MustParsePrefix("192.168.1.0/24"), Interface: "eth0", Index: 2}}
)

func testSettings() configs.Settings {
	return configs.Settings{
		Ports:  []configs.Port{{Name: "Kaillera P2P", Port: 27886, ExternalPort: 27886, Transport: "udp", Game: "kaillera"}},
		Router: configs.Router{Protocols: []string{"pcp", "nat-pmp", "upnp"}, Lease: time.Hour, ReadBack: time.Minute},
		PublicIP: configs.PublicIP{Router: true, HTTPEvery: 6 * time.Hour, STUNEvery: 30 * time.Minute,
			HTTP: []string{"http://get-ip.test/"}, STUN: []string{"stun.test:3478"}},
	}
}

// speaker is a client that is only there: decide never talks to it.
type speaker struct{ protocol portmap.Protocol }

func (c speaker) Name() portmap.Protocol { return c.protocol }
func (c speaker) Gateway() netip.Addr    { return gateway }
func (c speaker) Device() portmap.Device { return portmap.Device{} }
func (c speaker) External(context.Context) (portmap.Outer, error) {
	panic("decide must not ask")
}
func (c speaker) Lookup(context.Context, portmap.Transport, uint16) (portmap.Entry, error) {
	panic("decide must not ask")
}
func (c speaker) Map(context.Context, portmap.Request) (portmap.Mapping, error) {
	panic("decide must not ask")
}
func (c speaker) Unmap(context.Context, portmap.Mapping) error { panic("decide must not ask") }

// story tells a state what happened, one thing after the other.
type story struct {
	*state
	now time.Time
}

func (s *story) after(d time.Duration) *story { s.now = s.now.Add(d); s.learnTime(s.now); return s }

func (s *story) atHome() *story { s.learnRoute(known(home, s.now), "aa:bb:cc:dd:ee:ff"); return s }

func (s *story) noRoute(err error) *story {
	s.learnRoute(failed[route.Report](err, s.now), "")
	return s
}

func (s *story) searching() *story { s.learnSearch(s.now); return s }

func (s *story) answers(ps ...portmap.Protocol) *story {
	for _, p := range ps {
		s.learnAnswer(s.router.search, portmap.Answer{Protocol: p, Client: speaker{p}}, s.now)
	}
	return s
}

func (s *story) silent(ps ...portmap.Protocol) *story {
	for _, p := range ps {
		s.learnAnswer(s.router.search, portmap.Answer{Protocol: p, Err: portmap.ErrNoAnswer}, s.now)
	}
	return s
}

func (s *story) searched() *story { s.learnSearchEnd(s.router.search, s.now); return s }

func (s *story) granted(p portmap.Protocol) *story {
	m := portmap.Mapping{Protocol: p, Gateway: gateway, Transport: portmap.UDP, Lease: time.Hour, Granted: s.now,
		Internal: netip.AddrPortFrom(self, 27886), External: netip.AddrPortFrom(netip.Addr{}, 27886)}
	s.learnGrant(0, m, s.now)
	return s
}

func (s *story) refused(p portmap.Protocol, kind portmap.Kind, code int, name string) *story {
	s.learnNo(0, p, &portmap.Refusal{Protocol: p, Kind: kind, Code: code, Name: name}, s.now)
	return s
}

func (s *story) entry(a netip.Addr, description string) *story {
	s.learnEntry(0, known(portmap.Entry{Internal: netip.AddrPortFrom(a, 27886), Enabled: true, Description: description}, s.now))
	return s
}

func (s *story) noEntry() *story {
	s.learnEntry(0, failed[portmap.Entry](portmap.ErrNoEntry, s.now))
	return s
}

func (s *story) outer(a string) *story {
	s.learnOuter(portmap.NATPMP, known(portmap.Outer{Addr: netip.MustParseAddr(a)}, s.now))
	return s
}

func (s *story) epoch(e uint32) *story {
	s.learnOuter(portmap.NATPMP, known(portmap.Outer{Addr: outside, Epoch: e, HasEpoch: true}, s.now))
	return s
}

func (s *story) internet(http, stun string) *story {
	told := func(a string) Fact[netip.Addr] {
		if a == "" {
			return failed[netip.Addr](errors.New("nobody told"), s.now)
		}
		return known(netip.MustParseAddr(a), s.now)
	}
	s.learnPublic(publicAnswer{http: told(http), stun: told(stun)}, s.now, 0.5)
	return s
}

// open is the story of a port that was opened by one protocol at t0 and confirmed since.
func (s *story) open(p portmap.Protocol) *story {
	s.atHome().searching().answers(p).granted(p).outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2")
	if p == portmap.UPnP {
		s.entry(self, portmap.Description).after(secondLook).entry(self, portmap.Description)
	}
	for _, q := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		if q != p {
			s.silent(q)
		}
	}
	return s.searched()
}

var decideTable = []struct {
	name  string
	tell  func(*story)
	code  Code
	rung  string        // the broken one, "" for none
	do    []Action      // exactly
	look  Look          // exactly
	next  time.Duration // after the story's now; 0 = not checked
	words string        // must stand somewhere in headline, next step or steps
}{
	{name: "nothing known: only the route is read", tell: func(s *story) {}, code: Starting},
	{name: "no gateway", tell: func(s *story) { s.noRoute(route.ErrNoGateway) }, code: NoNetwork, rung: StepNetwork},
	{name: "only a VPN", tell: func(s *story) { s.noRoute(route.ErrOnlyTunnel) }, code: VPNInTheWay, rung: StepNetwork},
	{name: "at home: ask the router by every protocol", tell: func(s *story) { s.atHome() }, code: Starting,
		do: []Action{{Kind: StartSearch}}},
	{name: "searching: wait", tell: func(s *story) { s.atHome().searching() }, code: Starting},
	{name: "PCP answers: map at once, nothing else first", tell: func(s *story) { s.atHome().searching().answers(portmap.PCP) },
		code: Starting, do: []Action{{Kind: Map, Protocol: portmap.PCP}}},
	{name: "all answer: PCP first, and only that", tell: func(s *story) { s.atHome().searching().answers(portmap.UPnP, portmap.NATPMP, portmap.PCP) },
		code: Starting, do: []Action{{Kind: Map, Protocol: portmap.PCP}}},
	{name: "PCP refuses: NAT-PMP next", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP, portmap.NATPMP).refused(portmap.PCP, portmap.Denied, 2, "NOT_AUTHORIZED").outer("11.77.0.2")
	}, code: Starting, do: []Action{{Kind: Map, Protocol: portmap.NATPMP}}},
	{name: "UPnP alone: read before writing", tell: func(s *story) {
		s.atHome().searching().silent(portmap.PCP, portmap.NATPMP).answers(portmap.UPnP)
	}, code: Starting, look: Look{Entries: []int{0}}},
	{name: "UPnP, the port is free: map", tell: func(s *story) {
		s.atHome().searching().silent(portmap.PCP, portmap.NATPMP).answers(portmap.UPnP).noEntry()
	}, code: Starting, do: []Action{{Kind: Map, Protocol: portmap.UPnP}}},
	{name: "UPnP, another PC holds the port: do not fight", tell: func(s *story) {
		s.atHome().searching().silent(portmap.PCP, portmap.NATPMP).answers(portmap.UPnP).outer("11.77.0.2").internet("11.77.0.2", "").entry(other, "Portsitter")
	}, code: PortTaken, rung: StepMapping, next: 20 * time.Second, words: "192.168.1.50"},
	{name: "UPnP, a forward made by hand leads here: leave it alone", tell: func(s *story) {
		s.atHome().searching().silent(portmap.PCP, portmap.NATPMP).answers(portmap.UPnP).outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2").entry(self, "my game")
	}, code: CodeReady, next: 20 * time.Second, words: "by hand"},
	{name: "UPnP, our own entry from before a crash: take it over", tell: func(s *story) {
		s.atHome().searching().silent(portmap.PCP, portmap.NATPMP).answers(portmap.UPnP).entry(self, portmap.Description)
	}, code: Starting, do: []Action{{Kind: Map, Protocol: portmap.UPnP}}},
	{name: "all refuse: the router's words, and a long pause", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP, portmap.NATPMP).silent(portmap.UPnP).outer("11.77.0.2").internet("11.77.0.2", "").
			refused(portmap.PCP, portmap.Denied, 2, "NOT_AUTHORIZED").refused(portmap.NATPMP, portmap.Denied, 2, "Not Authorized/Refused")
	}, code: MappingRefused, rung: StepMapping, words: "NOT_AUTHORIZED", next: 20 * time.Second}, // the outer address; the port in 30 s
	{name: "refused for want of an outer address: say so", tell: func(s *story) {
		s.atHome().searching().answers(portmap.UPnP).silent(portmap.PCP, portmap.NATPMP).noEntry().refused(portmap.UPnP, portmap.NoOuterAddress, 501, "ActionFailed")
		s.learnOuter(portmap.UPnP, known(portmap.Outer{}, s.now))
		s.internet("", "11.77.0.9")
	}, code: MappingRefused, rung: StepMapping, words: "second router or a carrier NAT", next: 20 * time.Second}, // likewise
	{name: "another port is offered: taken", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).outer("11.77.0.2").internet("11.77.0.2", "")
		s.learnNo(0, portmap.PCP, otherPortError{27886, 27887}, s.now)
	}, code: PortTaken, rung: StepMapping, words: "27887"},
	{name: "nobody answers: broken, and a pause", tell: func(s *story) {
		s.atHome().searching().after(3750*time.Millisecond).silent(portmap.PCP, portmap.NATPMP, portmap.UPnP).searched().internet("11.77.0.2", "")
	}, code: NoRouterAnswer, rung: StepRouter, next: 5 * time.Second, words: "http://192.168.1.1"},
	{name: "nobody answers for the fourth time: a longer pause", tell: func(s *story) {
		s.atHome()
		for range 4 {
			s.searching().silent(portmap.PCP, portmap.NATPMP, portmap.UPnP).searched()
		}
		s.internet("11.77.0.2", "11.77.0.2")
	}, code: NoRouterAnswer, rung: StepRouter, next: 40 * time.Second},
	{name: "granted and confirmed", tell: func(s *story) { s.open(portmap.PCP) }, code: CodeReady, next: 20 * time.Second, words: "11.77.0.2:27886"},
	{name: "granted by UPnP and read back twice", tell: func(s *story) { s.open(portmap.UPnP) }, code: CodeReady, next: 10 * time.Second},
	{name: "half of the lease is over: renew, and not before", tell: func(s *story) {
		s.open(portmap.PCP).after(30*time.Minute-time.Second).outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2")
	}, code: CodeReady, next: time.Second},
	{name: "half of the lease is over: renew", tell: func(s *story) {
		s.open(portmap.PCP).after(30*time.Minute).outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2")
	}, code: CodeReady, do: []Action{{Kind: Map, Protocol: portmap.PCP}}},
	{name: "the clock was set back a year: renew", tell: func(s *story) {
		s.open(portmap.PCP).after(-365 * 24 * time.Hour)
	}, code: CodeReady, do: []Action{{Kind: Map, Protocol: portmap.PCP}}},
	{name: "renewal refused: the grant holds until its lease ends", tell: func(s *story) {
		s.open(portmap.PCP).after(30*time.Minute).outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2").refused(portmap.PCP, portmap.Denied, 2, "NOT_AUTHORIZED")
	}, code: CodeReady, words: "NOT_AUTHORIZED", next: 20 * time.Second},
	{name: "the lease is over: not open any more", tell: func(s *story) {
		s.open(portmap.PCP).after(30*time.Minute).refused(portmap.PCP, portmap.Denied, 2, "NOT_AUTHORIZED").after(30*time.Minute).outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2")
		s.ports[0].refusals[portmap.PCP] = refusal{err: &portmap.Refusal{Code: 2}, count: 9, until: s.now.Add(time.Hour)}
	}, code: MappingRefused, rung: StepMapping},
	{name: "UPnP entry gone after it had been there: map again at once", tell: func(s *story) {
		s.open(portmap.UPnP).after(time.Minute).outer("11.77.0.2").noEntry()
	}, code: Starting, do: []Action{{Kind: Map, Protocol: portmap.UPnP}}},
	{name: "UPnP entry gone right after the grant: the router may have restarted, ask once more", tell: func(s *story) {
		s.atHome().searching().answers(portmap.UPnP).silent(portmap.PCP, portmap.NATPMP).granted(portmap.UPnP).noEntry().outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2")
	}, code: Starting, do: []Action{{Kind: Map, Protocol: portmap.UPnP}}},
	{name: "UPnP entry gone right after the second grant, too: not kept", tell: func(s *story) {
		s.atHome().searching().answers(portmap.UPnP).silent(portmap.PCP, portmap.NATPMP).granted(portmap.UPnP).noEntry().granted(portmap.UPnP).noEntry().outer("11.77.0.2").internet("11.77.0.2", "11.77.0.2")
	}, code: NotKept, rung: StepMapping, next: 20 * time.Second}, // likewise
	{name: "epoch went back: the router lost its table, map again", tell: func(s *story) {
		s.open(portmap.NATPMP).epoch(5000).after(20 * time.Second).epoch(3)
	}, code: Starting, do: []Action{{Kind: Map, Protocol: portmap.NATPMP}}},
	{name: "epoch goes on: nothing to do", tell: func(s *story) {
		s.open(portmap.NATPMP).epoch(5000).after(20 * time.Second).epoch(5020)
	}, code: CodeReady, next: 20 * time.Second},
	{name: "the router falls silent: search at once, promise nothing", tell: func(s *story) {
		s.open(portmap.NATPMP).after(20 * time.Second)
		s.learnOuter(portmap.NATPMP, failed[portmap.Outer](portmap.ErrNoAnswer, s.now))
	}, code: Starting, do: []Action{{Kind: StartSearch}}, words: "fallen silent"},
	{name: "outer address private: double NAT", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).granted(portmap.PCP).outer("192.168.0.7").internet("11.77.0.9", "11.77.0.9")
	}, code: DoubleNAT, rung: StepInternet, words: "192.168.0.7"},
	{name: "outer address 100.64/10: carrier NAT", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).granted(portmap.PCP).outer("100.72.3.4").internet("11.77.0.9", "")
	}, code: CarrierNAT, rung: StepInternet, words: "Autopunch P2P"},
	{name: "refused, and the outer address is private: double NAT, not mapping-refused", tell: func(s *story) {
		s.atHome().searching().answers(portmap.UPnP).silent(portmap.PCP, portmap.NATPMP).noEntry().refused(portmap.UPnP, portmap.NoOuterAddress, 501, "ActionFailed").outer("10.0.0.2").internet("11.77.0.9", "")
	}, code: DoubleNAT, rung: StepInternet},
	{name: "the internet sees another address", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).granted(portmap.PCP).outer("11.77.0.2").internet("11.88.0.1", "11.88.0.1")
	}, code: PublicAddressDiffers, rung: StepInternet, words: "11.88.0.1"},
	{name: "get-ip differs, STUN agrees with the router: the majority is right", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).granted(portmap.PCP).outer("11.77.0.2").internet("11.88.0.1", "11.77.0.2")
	}, code: CodeReady},
	{name: "only the router's word: ready, and the detail says so", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).granted(portmap.PCP).outer("11.77.0.2").internet("", "")
	}, code: CodeReady, words: "Nobody on the internet has confirmed"},
	{name: "nobody tells any address", tell: func(s *story) {
		s.atHome().searching().answers(portmap.PCP).silent(portmap.NATPMP, portmap.UPnP).granted(portmap.PCP).internet("", "")
		s.learnOuter(portmap.PCP, known(portmap.Outer{}, s.now))
	}, code: AddressUnknown, words: "what is my IP"},
	{name: "this PC's firewall keeps the port shut", tell: func(s *story) { s.open(portmap.UPnP).wall(shut) },
		code: FirewallBlocks, rung: StepFirewall, words: "In a terminal: sudo ufw allow 27886/udp"},
	{name: "what the firewall does is not known: no fault", tell: func(s *story) {
		s.open(portmap.UPnP).wall(firewall.Report{State: firewall.Unknown, Firewall: "ufw", Why: "only root may read its rules", Next: "sudo ufw status"})
	}, code: CodeReady, words: "To see for yourself: sudo ufw status"},
	{name: "the firewall cannot be asked: no fault", tell: func(s *story) {
		s.open(portmap.UPnP)
		s.learnFirewall("udp", 27886, failed[firewall.Report](errors.New("COM is away"), s.now))
	}, code: CodeReady, words: "COM is away"},
	{name: "the rules say no, but a packet came in: proof beats reading", tell: func(s *story) { s.open(portmap.UPnP).wall(shut).checked(true, true) },
		code: CodeReachable, words: "By its rules ufw would not let it in"},
	{name: "a rule against the game's program: the stand-in's proof is none for it", tell: func(s *story) {
		game := shut
		game.ForProgram = true
		s.open(portmap.UPnP).wall(game).checked(true, true)
	}, code: FirewallBlocks, rung: StepFirewall},
	{name: "the check failed and the firewall is why: the router's entry is left alone", tell: func(s *story) { s.open(portmap.UPnP).wall(shut).checked(false, true) },
		code: FirewallBlocks, rung: StepFirewall},
	{name: "stopped", tell: func(s *story) { s.open(portmap.PCP); s.stopped = true }, code: Stopped},
}

func TestDecide(t *testing.T) {
	for _, row := range decideTable {
		t.Run(row.name, func(t *testing.T) {
			s := &story{newState(testSettings(), Memory{}, t0), t0}
			row.tell(s)
			dec := decide(s.state, s.now)
			l := dec.Ports[0]
			if l.Code != row.code {
				t.Errorf("code %s, want %s (%s)\n%+v", l.Code, row.code, l.Headline, l.Steps)
			}
			if got := brokenRung(l.Steps); got != row.rung {
				t.Errorf("broken rung %q, want %q", got, row.rung)
			}
			if do := withoutPublic(dec.Do); !slices.Equal(do, row.do) {
				t.Errorf("does %+v, want %+v", do, row.do)
			}
			if dec.Look.Outer != row.look.Outer && row.look.Entries != nil || !slices.Equal(dec.Look.Entries, row.look.Entries) {
				t.Errorf("looks at %+v, want %+v", dec.Look, row.look)
			}
			if got := dec.Next.Sub(s.now); row.next != 0 && got != row.next {
				t.Errorf("next in %s (%s), want %s", got, dec.What, row.next)
			}
			if !strings.Contains(allWords(l), row.words) {
				t.Errorf("does not say %q: %s", row.words, allWords(l))
			}
		})
	}
}

// TestDecideOncePerTurn takes every row and checks what must hold in all of them.
func TestDecideInvariants(t *testing.T) {
	for _, row := range decideTable {
		s := &story{newState(testSettings(), Memory{}, t0), t0}
		row.tell(s)
		dec := decide(s.state, s.now)
		l := dec.Ports[0]
		if l.Headline == "" {
			t.Errorf("%s: no headline", row.name)
		}
		if l.Verdict == NotReady && l.NextStep == "" {
			t.Errorf("%s: broken, and nothing to do about it", row.name)
		}
		if (l.Verdict == NotReady) != (brokenRung(l.Steps) != "") {
			t.Errorf("%s: verdict %s with broken rung %q", row.name, l.Verdict, brokenRung(l.Steps))
		}
		if offers := l.Verdict == Ready || l.Verdict == Reachable; offers != (l.Address != "") {
			t.Errorf("%s: verdict %s with address %q", row.name, l.Verdict, l.Address)
		}
		if !dec.Next.IsZero() && !dec.Next.After(s.now) {
			t.Errorf("%s: wakes up for the past: %s", row.name, dec.What)
		}
		if len(l.Steps) != 7 {
			t.Errorf("%s: %d rungs", row.name, len(l.Steps))
		}
	}
}

func brokenRung(steps []Step) string {
	for _, s := range steps {
		if s.State == StepBroken {
			return s.ID
		}
	}
	return ""
}

func withoutPublic(as []Action) []Action {
	return slices.DeleteFunc(slices.Clone(as), func(a Action) bool { return a.Kind == AskPublic || a.Kind == FindHop || a.Kind == LookFirewall })
}

func allWords(l Ladder) string {
	words := l.Headline + "\n" + l.NextStep
	for _, s := range l.Steps {
		words += "\n" + s.Summary + "\n" + s.Detail
	}
	return words
}
