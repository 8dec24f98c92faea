package route

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// home is what a watcher sees in the tests.
type home struct {
	watcher
	events chan struct{}
	state  atomic.Value // string: what look gives
	set    atomic.Int64 // by how much the wall clock has been set
	looks  atomic.Int64
	woken  chan string
	start  time.Time
}

// watchHome runs a watcher until the test ends. It has to be called in a bubble.
func watchHome(t *testing.T, clockSet ...chan struct{}) *home {
	h := &home{events: make(chan struct{}, 1), woken: make(chan string, 100), start: time.Now()}
	h.state.Store("as it was")
	h.watcher = watcher{
		events: h.events,
		poll:   pollEvery,
		wake: func(reason string) {
			h.woken <- fmt.Sprintf("%s@%v", reason, time.Since(h.start))
		},
		look: func(context.Context) string { h.looks.Add(1); return h.state.Load().(string) },
		wall: func() time.Time { return time.Now().Round(0).Add(time.Duration(h.set.Load())) },
	}
	for _, told := range clockSet {
		h.clockSet = told
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return h
}

// expect lets d go by and compares what has woken since the last call.
func (h *home) expect(t *testing.T, d time.Duration, want ...string) {
	t.Helper()
	<-time.After(d) // fake time
	synctest.Wait()
	var got []string
	for len(h.woken) > 0 {
		got = append(got, <-h.woken)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("woken by %q, want %q", got, want)
	}
}

func TestWatchEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := watchHome(t)
		h.expect(t, time.Hour) // nothing happens: nobody is woken
		h.start = time.Now()
		h.events <- struct{}{}
		h.state.Store("changed")
		h.expect(t, 0, "network changed@0s")
		h.expect(t, 5*time.Second, "network settled@1s")
		h.expect(t, 10*time.Second, "network settled@10s")
		h.expect(t, time.Hour) // the poll knows what the event was about
	})
}

func TestWatchPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := watchHome(t)
		h.state.Store("changed, and no event came")
		h.expect(t, 59*time.Second)
		h.expect(t, 31*time.Second, "network changed@1m0s", "network settled@1m1s", "network settled@1m10s")
		h.expect(t, time.Hour)
		if looks := h.looks.Load(); looks > 70 {
			t.Errorf("%d looks in an hour", looks)
		}
	})
}

func TestWatchPollsFasterWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := watchHome(t)
		close(h.events)
		h.expect(t, time.Minute, "network changed@0s", "network settled@1s", "network settled@10s")
		h.start = time.Now()
		h.state.Store("changed")
		h.expect(t, 20*time.Second, "network changed@5s", "network settled@6s", "network settled@15s")
	})
}

func TestWatchClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := watchHome(t)
		h.set.Store(int64(8 * time.Hour)) // asleep: the wall clock went on, our time stood still
		h.expect(t, 20*time.Second, "woke up from sleep@5s", "network settled@6s", "network settled@15s")
		h.set.Store(int64(7 * time.Hour))
		h.expect(t, 20*time.Second, "clock was set back@25s", "network settled@26s", "network settled@35s")
	})
}

// TestWatchClockTold is about systems that tell when the clock was set: nobody waits for a tick.
func TestWatchClockTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan struct{}, 1)
		h := watchHome(t, told)
		h.expect(t, time.Second)
		told <- struct{}{} // by half a second: a time server was asked
		h.expect(t, time.Second)
		h.set.Store(int64(11 * time.Second)) // asleep for no longer than that
		told <- struct{}{}
		h.expect(t, 18*time.Second, "woke up from sleep@2s", "network settled@3s", "network settled@12s")
		h.set.Store(0)
		told <- struct{}{}
		h.expect(t, 20*time.Second, "clock was set back@20s", "network settled@21s", "network settled@30s")
		h.set.Store(int64(16 * time.Second)) // and nobody tells
		h.expect(t, 20*time.Second, "woke up from sleep@50s", "network settled@51s", "network settled@1m0s")
		close(told)
		h.expect(t, 4*time.Second)
		h.set.Store(int64(8 * time.Hour))
		h.expect(t, 20*time.Second, "woke up from sleep@1m5s", "network settled@1m6s", "network settled@1m15s")
	})
}

func TestSubscribeClockStops(t *testing.T) {
	_, stop, err := subscribeClock()
	switch {
	case err == nil:
		stop() // goleak sees the rest
	case runtime.GOOS == "linux":
		t.Error(err)
	}
}

// TestWatchThisMachine runs the real thing: it must listen and end cleanly (goleak sees the rest).
func TestWatchThisMachine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- Watch(ctx, func(string) {}) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want the context's error", err)
	}
}

func TestSubscribeStops(t *testing.T) {
	for range 3 {
		events, stop, err := subscribe()
		if err != nil {
			t.Fatalf("no notifications on this system: %v", err)
		}
		if cap(events) != 1 {
			t.Errorf("room for %d events, want 1: more only repeat the same news", cap(events))
		}
		stop()
	}
}

// TestFingerprintHoldsStill allows for a machine whose network really does change meanwhile.
func TestFingerprintHoldsStill(t *testing.T) {
	before := fingerprint(t.Context())
	for range 5 {
		now := fingerprint(t.Context())
		if now == before {
			return
		}
		t.Logf("%s\nbecame\n%s", before, now)
		before = now
	}
	t.Error("five looks, five different networks")
}
