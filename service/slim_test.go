package service

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// gcPercent is the present setting.
func gcPercent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

type resting struct{ percent, procs int }

func present() resting { return resting{gcPercent(), runtime.GOMAXPROCS(0)} }

// The start is left alone, the rest is slim, and at the end all is as before.
func TestSlim(t *testing.T) {
	procs := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(procs)
	before := resting{gcPercent(), 2}
	if before.percent == restingGC {
		t.Fatalf("the test itself runs with %+v", before)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			slim(ctx)
		}()
		time.Sleep(startTakes - time.Millisecond)
		if now := present(); now != before {
			t.Errorf("%+v during the start", now)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if now := present(); now != (resting{restingGC, restingProcs}) {
			t.Errorf("%+v at rest", now)
		}
		cancel()
		<-done
		if now := present(); now != before {
			t.Errorf("%+v afterwards, want %+v", now, before)
		}
	})
}
