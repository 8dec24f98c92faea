package route

import (
	"context"
	"fmt"
	"log/slog"
	"net"
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
	tickEvery = 5 * time.Second // how often the clock is compared, and the route where there is no better way
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
	w.run(ctx)
	return ctx.Err()
}

// watcher is Watch with everything it sees as a field.
type watcher struct {
	events <-chan struct{} // the system's notifications; closed when no more will come; nil: none
	wake   func(reason string)
	look   func(context.Context) string // something that changes when the network does
	wall   func() time.Time             // wall clock
	poll   time.Duration
}

func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
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
	seen, looked := w.look(ctx), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-w.events:
			if !open {
				w.events, w.poll = nil, tickEvery
				slog.Warn("the system has stopped telling of network changes; looking every 5 s")
			}
			happened(reasonChanged)
		case <-settle.C:
			d.woken()
			// Look first: what changes after that differs from seen at the next poll.
			seen, looked = w.look(ctx), time.Now()
			w.wake(reasonSettled)
		case <-tick.C:
			if reason := clock.jumped(w.wall(), time.Now()); reason != "" {
				happened(reason)
			}
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
// well depends on the system, so a jump forward is measured in ticks alone. A jump backwards can only
// be seen against the running clock; a second is left for clocks that are being slewed.
func (c *clock) jumped(wall, running time.Time) string {
	wallPassed, runningPassed := wall.Sub(c.wall), running.Sub(c.running)
	c.wall, c.running = wall, running
	switch {
	case wallPassed < runningPassed-time.Second:
		return reasonClockSet
	case wallPassed > 2*tickEvery:
		return reasonWokeUp
	}
	return ""
}

// wallClock is the time without its monotonic reading, so that differences are of the wall clock.
func wallClock() time.Time { return time.Now().Round(0) }

// fingerprint sums up what Read sees without settings, and all IPv4 addresses: the settings may name
// an interface that Read would not look at. IPv6 addresses change by themselves and are left out.
func fingerprint(ctx context.Context) string {
	report, err := Read(ctx, Override{})
	addrs, addrsErr := net.InterfaceAddrs()
	text := fmt.Sprint(report, err, addrsErr)
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			text += " " + n.String()
		}
	}
	return text
}
