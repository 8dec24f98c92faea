package daemon

import (
	"flag"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// yearDays is how long TestYear goes on; scripts/soak makes it 365 days.
var yearDays = flag.Int("daemon.days", 7, "simulated days that one Daemon runs for")

// TestYear: one Daemon for a long time, with a router that reboots and renumbers and a person who
// hosts. It asks the router no more at the end than at the beginning, keeps no more in memory, and
// the port is open.
func TestYear(t *testing.T) {
	inHouseWith(t, checkSettings(), nil, func(h *house) {
		h.pass(24 * time.Hour)
		first, heap, routines := h.Requests().Total(), heapInUse(), runtime.NumGoroutine()
		asked, last := first, 0
		for day := 1; day < *yearDays; day++ {
			h.pass(9 * time.Hour)
			switch day % 7 {
			case 2:
				h.Reboot(true)
			case 4:
				h.Renumber(netip.AddrFrom4([4]byte{11, 77, byte(day / 200), byte(10 + day%200)}))
			case 5:
				h.mu.Lock()
				h.hosting = !h.hosting
				h.mu.Unlock()
			}
			h.pass(15 * time.Hour)
			h.wantOpen(true)
			last, asked = h.Requests().Total()-asked, h.Requests().Total()
			h.mu.Lock()
			h.written = nil // the test's own copy of the history is not what is measured
			h.log.Reset()
			h.mu.Unlock()
		}
		t.Logf("%d days: %d requests on the first, %d on the last; heap %d and %d kB", *yearDays, first, last, heap>>10, heapInUse()>>10)
		if last > 24*300 {
			t.Errorf("%d requests on the last day, want at most 300 an hour", last)
		}
		if now := heapInUse(); now > heap+(4<<20) {
			t.Errorf("the heap grew from %d to %d kB", heap>>10, now>>10)
		}
		if now := runtime.NumGoroutine(); now > routines+5 {
			t.Errorf("goroutines grew from %d to %d", routines, now)
		}
		if p := h.port(); !p.open() {
			t.Error(fmt.Sprint(p.Code, p.Headline))
		}
	})
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
