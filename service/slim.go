package service

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	startTakes = 10 * time.Second // from the start to a port that is mapped and a past that is read
	// restingGC is the garbage, in percent of what is in use, that is let lie. Go's 100 begins with
	// heaps of 4 MB, a quarter of the memory of this program, which makes a few hundred kilobytes a
	// minute.
	restingGC = 25
	// restingProcs is how many goroutines run at once. Hardly ever do two want to, and Go looks for
	// work on every further processor, and for ever new ones, each time it is woken: half of all that
	// a resting program costs.
	restingProcs = 1
)

// slim keeps memory and processor use small once the start is over, which is to be fast and has no time
// to tidy up, and gives back the memory that only the start has needed. When ctx ends all is as before:
// the farewell is to be fast, too.
func slim(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(startTakes):
	}
	percent, procs := debug.SetGCPercent(restingGC), runtime.GOMAXPROCS(restingProcs)
	defer func() {
		debug.SetGCPercent(percent)
		runtime.GOMAXPROCS(procs)
	}()
	debug.FreeOSMemory()
	<-ctx.Done()
}
