package route

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Why Watch wakes, for the log.
const (
	reasonChanged  = "network changed"
	reasonSettled  = "network settled"
	reasonWokeUp   = "woke up from sleep"
	reasonClockSet = "clock was set back"
)

const (
	tickEvery = 5 * time.Second  // how often the clock is compared, and the route where there is no better way
	restEvery = 10 * time.Second // the same where the system tells of both
	pollEvery = 60 * time.Second
)

// Watch calls wake when the way out may have changed, until ctx ends; it then returns ctx's error.
//
// It wakes at once when the system tells of a change of interfaces, IPv4 addresses, routes or rules,
// again when nothing more has happened for 1 s, and again 10 s after the last event. It looks for
// itself every 60 s, because notifications do not come from everywhere (Wine), or every 5 s where they
// cannot be had at all. It also wakes when the PC was asleep or its clock was set: leases go on in
// wall-clock time.
//
// A wake is a hint, not a fact: read again and compare. wake is called from one goroutine, must be
// quick, and gets the reason in a few words. What changed before Watch was called is not told.
func Watch(ctx context.Context, wake func(reason string)) error {
	w := watcher{wake: wake, look: fingerprint, wall: wallClock, poll: pollEvery}
	events, stop, err := subscribe()
	if err != nil {
		w.poll = tickEvery
		slog.Warn("the system does not tell of network changes; looking every 5 s", "err", err)
	} else {
		defer stop()
		w.events = events
	}
	if clockSet, stop, err := subscribeClock(); err == nil {
		defer stop()
		w.clockSet = clockSet
	}
	w.run(ctx)
	return ctx.Err()
}

// watcher is Watch with everything it sees as a field.
type watcher struct {
	events <-chan struct{} // the system's notifications; closed when no more will come; nil: none
	// clockSet tells that the wall clock does not go on from where it was: a PC that was asleep is seen
	// at once. Closed when no more will come; nil: the system does not tell.
	clockSet <-chan struct{}
	wake     func(reason string)
	look     func(context.Context) string // something that changes when the network does
	wall     func() time.Time             // wall clock
	poll     time.Duration
}

// tick is how often to look at the clock. Each look costs a program at rest two threads that wake up.
func (w *watcher) tick() time.Duration {
	if w.events != nil && w.clockSet != nil {
		return restEvery
	}
	return tickEvery
}

func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(w.tick())
	defer tick.Stop()
	settle := time.NewTimer(0)
	settle.Stop()
	defer settle.Stop()

	var d debounce
	happened := func(reason string) {
		if d.event(time.Now()) {
			w.wake(reason)
		}
	}
	clock := clock{wall: w.wall(), running: time.Now()}
	compare := func() {
		if reason := clock.jumped(w.wall(), time.Now(), w.tick()); reason != "" {
			happened(reason)
		}
	}
	seen, looked := w.look(ctx), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-w.events:
			if !open {
				w.events, w.poll = nil, tickEvery
				tick.Reset(w.tick())
				slog.Warn("the system has stopped telling of network changes; looking every 5 s")
			}
			happened(reasonChanged)
		case <-settle.C:
			d.woken()
			// Look first: what changes after that differs from seen at the next poll.
			seen, looked = w.look(ctx), time.Now()
			w.wake(reasonSettled)
		case _, open := <-w.clockSet:
			if !open {
				w.clockSet = nil
				tick.Reset(w.tick())
			}
			compare()
		case <-tick.C:
			compare()
			if time.Since(looked) >= w.poll {
				now := w.look(ctx)
				if now != seen {
					happened(reasonChanged)
				}
				seen, looked = now, time.Now()
			}
		}
		settle.Stop()
		if at, ok := d.due(); ok {
			settle.Reset(time.Until(at))
		}
	}
}

// clock finds jumps of the wall clock by comparing it with the running (monotonic) one.
type clock struct{ wall, running time.Time }

// jumped tells why the wall clock is not where it should be, "" if it is.
//
// Asleep, the wall clock goes on while our ticks do not come. Whether the running clock goes on as
// well depends on the system, so a jump forward is measured in ticks, too. A jump backwards can only
// be seen against the running clock; a second is left for clocks that are being slewed.
func (c *clock) jumped(wall, running time.Time, tick time.Duration) string {
	wallPassed, runningPassed := wall.Sub(c.wall), running.Sub(c.running)
	c.wall, c.running = wall, running
	switch {
	case wallPassed < runningPassed-time.Second:
		return reasonClockSet
	case wallPassed > runningPassed+2*tickEvery, wallPassed > tick+tickEvery:
		return reasonWokeUp
	}
	return ""
}

// wallClock is the time without its monotonic reading, so that differences are of the wall clock.
func wallClock() time.Time { return time.Now().Round(0) }

// fingerprint sums up what Read sees without settings, and all IPv4 addresses: the settings may name
// an interface that Read would not look at. IPv6 addresses change by themselves and are left out.
func fingerprint(ctx context.Context) string {
	var all tables
	report, err := read(ctx, Override{}, func(bool) (t tables, err error) {
		all, err = readTables(true)
		return all, err
	}, func(ctx context.Context) (t tables, err error) {
		all, err = fallbackTables(ctx)
		return all, err
	})
	text := fmt.Sprint(report, err)
	for _, index := range all.indexes() {
		for _, a := range all.links[index].addrs {
			text += fmt.Sprint(" ", a.local, " in ", a.prefix)
		}
	}
	return text
}
