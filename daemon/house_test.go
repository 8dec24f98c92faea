package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/notify"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashFolder); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

// house is a Daemon in a home in software, in the virtual time of a synctest bubble.
type house struct {
	*simhome.Home
	t    *testing.T
	d    *Daemon
	stop func()

	mu       sync.Mutex
	report   route.Report
	routeErr error
	category route.Category
	memory   Memory
	written  []Event
	log      strings.Builder

	skew        atomic.Int64 // of the PC's clock, in nanoseconds
	diskFull    bool
	wall        firewall.Report // what the PC's firewall says; the zero one lets everything in
	wallLooks   int
	wallTakes   time.Duration
	wallAsked   firewall.Question
	saves       atomic.Int32  // of the state file
	routeReads  atomic.Int32  // of the system's routes
	above       *simhome.Home // the second router, in front of ours
	deaf        atomic.Bool   // announcements are not heard
	hosting     bool          // a game holds the port
	unseen      bool          // but a look at the owners does not show it yet
	elsewhere   bool          // an emulator holds another port
	standIns    atomic.Int32  // how often the stand-in took the port
	standing    atomic.Bool   // it has it now
	checks      atomic.Int32  // questions that reached the checker
	checkerDown bool
	gameStuck   bool
	deafVisitor bool // what the stand-in answers gets lost
	checkTakes  time.Duration

	past   []Event     // what earlier runs wrote down
	readAt Code        // the diagnosis at the time when that was read
	heard  []heardNews // what receivers were told
	tells  func(ctx context.Context, round int, to configs.Notify) []notify.Result
	asks   func(ctx context.Context, servers []string) error // what becomes of a question for the public address

	wake func(string)
}

// inHouse runs a test in a bubble with a home that change may have broken first.
func inHouse(t *testing.T, change func(*house), test func(*house)) {
	t.Helper()
	inHouseWith(t, testSettings(), change, test)
}

func inHouseWith(t *testing.T, settings configs.Settings, change, test func(*house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, Home: simhome.New(simhome.Options{Gateway: gateway, Self: self, Public: outside}), report: home}
		h.memory.Secret[0] = 1
		if change != nil {
			change(h)
		}
		h.start(settings)
		test(h)
		h.stop()
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
}

// start runs a Daemon with what an earlier one left in memory.
func (h *house) start(settings configs.Settings) {
	ctx, cancel := context.WithCancel(context.Background())
	h.d = New(Options{Settings: settings, World: h.world(), Memory: h.memory, Version: "test", Past: h.history,
		Log: slog.New(slog.NewTextHandler(&h.log, nil))})
	done := make(chan error)
	go func() { done <- h.d.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}

func (h *house) world() World {
	return World{
		Now:  func() time.Time { return time.Now().Add(time.Duration(h.skew.Load())) },
		Rand: func() float64 { return 0.5 },
		Route: func(context.Context, configs.Network) (route.Report, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.routeReads.Add(1)
			return h.report, h.routeErr
		},
		HardwareAddr: func(route.Route) string { return "aa:bb:cc:dd:ee:ff" },
		Category: func(route.Route, string) route.Category {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.category
		},
		Search: func(ctx context.Context, o SearchOrder, answered func(portmap.Answer)) {
			if h.above != nil && o.Route.Gateway == h.above.Gateway() {
				h.above.Search(ctx, h.Outer(), o.Protocols, func(a portmap.Answer) {
					if a.Client != nil {
						a.Client = throughNAT{a.Client, o.Route.Local, h.Outer()}
					}
					answered(a)
				})
				return
			}
			h.Seek(ctx, portmap.Search{Local: o.Route.Local, Protocols: o.Protocols, Known: o.Known,
				Permanent: o.Permanent, UDN: o.UDN, Slow: o.Slow}, answered)
		},
		Listen: h.listen,
		SecondHop: func(context.Context, route.Route) (netip.Addr, error) {
			if h.above == nil {
				return netip.Addr{}, errors.New("no second router has shown itself")
			}
			return h.above.Gateway(), nil
		},
		AskHTTP: h.askPublic, AskSTUN: h.askPublic,
		Dropped:  func() Dropped { return Dropped{} },
		Firewall: h.lookAtFirewall,
		Bound:    h.bound, Owner: h.owner, StandIn: h.standIn, AskChecker: h.askChecker,
		Watch: func(ctx context.Context, wake func(string)) error {
			h.mu.Lock()
			h.wake = wake
			h.mu.Unlock()
			<-ctx.Done()
			return ctx.Err()
		},
		Notify: h.notify,
		Save: func(m Memory) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.diskFull {
				return errors.New("no space left on device")
			}
			h.memory = m
			h.saves.Add(1)
			return nil
		},
		Record: func(e Event) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.written = append(h.written, e)
			return nil
		},
	}
}

// listen hears the home's announcements, unless the house is deaf.
func (h *house) listen(ctx context.Context, _ route.Route, heard func(portmap.Announcement)) error {
	stop := h.OnAnnounce(func(a simhome.Announcement) {
		if h.deaf.Load() {
			return
		}
		go heard(portmap.Announcement{From: gateway, Protocol: portmap.NATPMP, Outer: portmap.Outer{Addr: a.Outer, Epoch: a.Epoch, HasEpoch: true}})
	})
	defer stop()
	<-ctx.Done()
	return nil
}

// history reads what earlier runs wrote down.
func (h *house) history(yield func(Event) bool) {
	h.readAt = h.port().Code
	for _, e := range h.past {
		if !yield(e) {
			return
		}
	}
}

// pass lets virtual time go by until everything that is due in d has happened.
func (h *house) pass(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// events are the lines of history so far, without those that only say "still here".
func (h *house) events() []Event {
	return slices.DeleteFunc(h.lines(), func(e Event) bool { return e.Kind == "alive" })
}

// lines are all that was written to the history file.
func (h *house) lines() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.written)
}

// kept is what is in the state file.
func (h *house) kept() Memory {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.memory
}

func (h *house) port() Port { return h.d.Status().Ports[0] }

// reachable sends a stranger's packet and sees whether it would arrive at our port.
func (h *house) reachable() bool {
	to, ok := h.Deliver(portmap.UDP, 27886)
	return ok && to == netip.AddrPortFrom(self, 27886)
}

func (h *house) want(code Code) {
	h.t.Helper()
	if p := h.port(); p.Code != code {
		h.t.Errorf("after %s: %s (%s), want %s\n%+v", time.Since(h.d.Status().Started), p.Code, p.Headline, code, p.Steps)
	}
}

func (h *house) wantOpen(open bool) {
	h.t.Helper()
	if h.reachable() != open {
		h.t.Errorf("a stranger's packet gets in: %t, want %t; table %+v", h.reachable(), open, h.Table())
	}
}

// only switches all protocols off but the given ones.
func only(ps ...portmap.Protocol) func(*house) {
	return func(h *house) {
		h.Configure(func(f *simhome.Faults) {
			f.PCP, f.PMP, f.UPnP = simhome.Off, simhome.Off, simhome.Off
			for _, p := range ps {
				switch p {
				case portmap.PCP:
					f.PCP = simhome.Answers
				case portmap.NATPMP:
					f.PMP = simhome.Answers
				case portmap.UPnP:
					f.UPnP = simhome.Answers
				}
			}
		})
	}
}

// throughNAT is a client of the second router: our router gives its packets another source address.
type throughNAT struct {
	portmap.Client
	inside, outside netip.Addr
}

func (c throughNAT) Map(ctx context.Context, r portmap.Request) (portmap.Mapping, error) {
	asked := r.Internal
	if asked.Addr() == c.inside {
		r.Internal = netip.AddrPortFrom(c.outside, asked.Port())
	}
	m, err := c.Client.Map(ctx, r)
	m.Internal = asked
	return m, err
}

func (c throughNAT) Unmap(ctx context.Context, m portmap.Mapping) error {
	m.Internal = netip.AddrPortFrom(c.outside, m.Internal.Port())
	return c.Client.Unmap(ctx, m)
}
