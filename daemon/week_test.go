package daemon

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

var (
	weeks    = flag.Int("daemon.weeks", 0, "how many simulated weeks to live through; 0: 20, or 3 under the race detector")
	weekOf   = flag.String("daemon.faults", "", "draw only from the faults whose names match this regular expression")
	weekSeed = flag.Uint64("daemon.seed", 0, "live through the one week of this seed, and show the log")
)

// TestWeek lives through weeks with a fault every hour, drawn at random, and wants that what was
// promised holds at every moment of them. A week that fails says with which seed it can be repeated.
func TestWeek(t *testing.T) {
	first, n := rand.Uint64(), *weeks
	switch {
	case *weekSeed != 0:
		first, n = *weekSeed, 1
	case n == 0 && underRace():
		n = 3
	case n == 0:
		n = 20
	}
	for i := range uint64(n) {
		t.Run(fmt.Sprintf("-daemon.seed=%d", first+i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newWeek(t, first+i).live() })
		})
	}
}

// underRace reports whether the race detector is on, which makes a week five times as long.
func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// week is a house in which something happens every hour.
type week struct {
	*house
	draw     *rand.Rand
	settings configs.Settings
	faults   []weekFault // to draw from
	speaks   []portmap.Protocol
	began    time.Time
	life     *life
	asking   atomic.Int32 // requests of the loop under way
	hostedAt atomic.Int64 // since when a game holds the port, unix nanoseconds; 0: none does
	stopping atomic.Bool
	ours     sync.Map // every address that this PC has had
	taken    sync.Map // external ports that other hosts hold, and since when

	hidden   time.Duration   // how long the fault of the hour may go unnoticed; 0: one poll
	away     bool            // the Daemon is stopped
	muted    *simhome.Faults // as they were before a protocol fell silent
	requests int             // to the router, up to the last hour
	lieSince time.Time
	twoSince time.Time

	telling sync.Mutex
	story   []string
	broken  string // the first promise that was broken
}

func newWeek(t *testing.T, seed uint64) *week {
	w := &week{draw: rand.New(rand.NewPCG(seed, 0)), began: time.Now()}
	w.house = &house{t: t, Home: simhome.New(simhome.Options{Gateway: gateway, Self: self, Public: outside}), report: home}
	w.memory.Secret[0] = 1
	w.ours.Store(self, true)
	w.settings = fullSettings()
	w.settings.PublicIP.STUNEvery, w.settings.PublicIP.HTTPEvery = 10*time.Minute, 30*time.Minute
	drawn := regexp.MustCompile(*weekOf)
	for _, f := range weekFaults {
		if drawn.MatchString(f.name) {
			w.faults = append(w.faults, f)
		}
	}
	w.speaks = [][]portmap.Protocol{{portmap.UPnP}, {portmap.UPnP}, {portmap.PCP}, {portmap.NATPMP},
		{portmap.PCP, portmap.NATPMP, portmap.UPnP}, {portmap.NATPMP, portmap.UPnP}, {portmap.PCP, portmap.UPnP}}[w.draw.IntN(7)]
	only(w.speaks...)(w.house)
	secure, deaf, goesOn := w.draw.IntN(2) == 0, w.draw.IntN(3) == 0, w.draw.IntN(2) == 0
	w.Configure(func(f *simhome.Faults) { f.SecureMode, f.OtherPort, f.EpochGoesOn = secure, true, goesOn })
	w.deaf.Store(deaf)
	w.tell(fmt.Sprintf("a router that speaks %s, secure mode: %t, announcements are heard: %t, with another address its epoch goes on: %t", w.speaks, secure, !deaf, goesOn))
	w.strangersMove()
	return w
}

// live lets the week pass until it is over or a promise is broken.
func (w *week) live() {
	w.start()
	for hour := 0; hour < 7*24 && w.broken == ""; hour++ {
		w.hour()
	}
	w.stopping.Store(true)
	w.end()
	if w.broken == "" {
		for _, e := range w.Table() {
			if e.Internal.Addr() == w.Self() {
				w.breaks("after the stop the router still holds %d to %s by %s", e.External, e.Internal, e.Protocol)
			}
		}
	}
	if w.broken != "" {
		w.t.Errorf("%s\n%s\nwhat happened before:\n%s", w.broken, w.story[0], strings.Join(w.story[max(0, len(w.story)-40):], "\n"))
		if *weekSeed != 0 {
			w.t.Log(w.log.String())
		}
	}
}

// hour lets one fault happen, be cured in time, and the home come to rest.
func (w *week) hour() {
	w.hidden = 0
	start := time.Now()
	f := w.faults[w.draw.IntN(len(w.faults))]
	at := w.between(0, 15*time.Minute)
	until := at + w.between(10*time.Second, 20*time.Minute)
	host := w.draw.IntN(4) == 0 && !f.noGame
	hosts, leaves := w.between(0, 20*time.Minute), w.between(20*time.Minute, 35*time.Minute)
	plan := []occurrence{{at, func() { w.tell(f.name); f.begin(w) }}}
	if f.end != nil {
		plan = append(plan, occurrence{until, func() { w.tell(f.name + " is over"); f.end(w) }})
	}
	if host {
		plan = append(plan, occurrence{hosts, w.host}, occurrence{leaves, w.leave})
	}
	w.through(start, plan)
	w.mustBeOpen()
	most := 1000
	if f.name == "nothing" && !host {
		most = 300
	}
	total := w.Requests().Total()
	if n := total - w.requests; n > most {
		w.breaks("%d requests in an hour, at most %d were promised", n, most)
	}
	w.requests = total
}

// occurrence is something that happens at a time of the hour.
type occurrence struct {
	at time.Duration
	do func()
}

func (w *week) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.draw.Int64N(int64(most-least)))
}

// through lets an hour pass with what is planned for it. It looks more often while something may be
// going on.
func (w *week) through(start time.Time, plan []occurrence) {
	last := start
	for time.Since(start) < time.Hour && w.broken == "" {
		step := 5 * time.Second
		if time.Since(last) > 2*time.Minute {
			step = 30 * time.Second
		}
		next := -1
		for i, o := range plan {
			if o.do != nil && o.at-time.Since(start) < step {
				next, step = i, max(o.at-time.Since(start), 0)
			}
		}
		w.pass(step)
		if next >= 0 {
			plan[next].do()
			plan[next].do, last = nil, time.Now()
			synctest.Wait()
		}
		w.look()
	}
}

// look compares what the status says with what is.
func (w *week) look() {
	if w.away {
		return
	}
	p := w.port()
	poll := 26 * time.Second
	if p.Mapping != nil && p.Mapping.Protocol == string(portmap.UPnP) {
		poll = tablePoll
	}
	if !p.open() || w.reaches(p) {
		w.lieSince = time.Time{}
	} else if w.lieSince.IsZero() {
		w.lieSince = time.Now()
	} else if d := time.Since(w.lieSince); d > max(poll, w.hidden) {
		w.breaks("the status has said %s %s by %+v for %s, and a packet does not get in; table %+v", p.Code, p.Address, p.Mapping, d, w.Table())
	}
	entries := 0
	for _, e := range w.Table() {
		if e.Internal.Addr() == w.Self() && e.Internal.Port() == 27886 {
			entries++
		}
	}
	if entries < 2 || w.hostedAt.Load() != 0 { // under a game the one that is not wanted any more stays: rule 13
		w.twoSince = time.Time{}
	} else if w.twoSince.IsZero() {
		w.twoSince = time.Now()
	} else if d := time.Since(w.twoSince); d > 70*time.Second {
		w.breaks("%d entries lead to us since %s; table %+v", entries, d, w.Table())
	}
}

// reaches sends a stranger's packet to the address that the status offers.
func (w *week) reaches(p Port) bool {
	to, err := netip.ParseAddrPort(p.Address)
	public, down := w.Public()
	return err == nil && down == nil && to.Addr() == public && w.reachableAt(to.Port(), w.Self())
}

// mustBeOpen: the fault is cured, the home has come to rest.
func (w *week) mustBeOpen() {
	if p := w.port(); w.broken == "" && (!p.open() || !w.reaches(p)) {
		w.breaks("not open again at the end of the hour: %s, %s; table %+v", p.Code, p.Headline, w.Table())
	}
}

// tell adds a line to the story of the week.
func (w *week) tell(what string) {
	w.telling.Lock()
	defer w.telling.Unlock()
	d := time.Since(w.began)
	w.story = append(w.story, fmt.Sprintf("%3d h %02d:%06.3f  %s", d/time.Hour, d%time.Hour/time.Minute, (d%time.Minute).Seconds(), what))
}

// breaks notes the first promise that is broken; the week ends there.
func (w *week) breaks(format string, args ...any) {
	w.tell("BROKEN: " + fmt.Sprintf(format, args...))
	w.telling.Lock()
	defer w.telling.Unlock()
	if w.broken == "" {
		w.broken = w.story[len(w.story)-1]
	}
}

// start runs a Daemon with what an earlier one has saved.
func (w *week) start() {
	l := &life{w: w}
	ctx, cancel := context.WithCancel(context.Background())
	handler := slog.DiscardHandler
	if *weekSeed != 0 {
		handler = slog.NewTextHandler(&w.log, nil)
	}
	w.house.d = New(Options{Settings: w.settings, World: l.world(), Memory: w.kept(), Version: "test", Log: slog.New(handler)})
	done := make(chan error)
	d := w.house.d
	go func() { done <- d.Run(ctx) }()
	w.life, w.away = l, false
	w.lieSince, w.twoSince = time.Time{}, time.Time{}
	w.house.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// end stops the Daemon, as a person does.
func (w *week) end() {
	w.stop()
	w.away = true
}

// kill ends the Daemon as kill -9 does: from one moment to the next it touches nothing any more.
func (w *week) kill() {
	w.life.dead.Store(true)
	w.end()
}
