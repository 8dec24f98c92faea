//go:build lab && linux

package lab

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// endure is how long the home knows no rest; scripts/soak makes it ten minutes.
var endure = flag.Duration("endure", time.Minute, "how long the router reboots, renumbers and flaps")

// A router that reboots, renumbers, crashes and loses its cable every few seconds costs nothing that
// stays: as many goroutines, open files and about as much memory at the end as at the beginning.
func TestEndurance(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.start("")
	h.settle(s)
	before := s.load()
	done := map[string]int{}
	for start := time.Now(); time.Since(start) < *endure; {
		done[h.disturb()]++
		h.pass(time.Duration(1+rand.IntN(3)) * time.Second)
	}
	h.lab("wanip", outer.String())
	h.settle(s)
	var after load
	eventually(t, 30*time.Second, "as few goroutines and files as before", func() bool {
		after = s.load()
		return after.goroutines <= before.goroutines && after.files <= before.files
	})
	t.Logf("%v: goroutines %d and %d, files %d and %d, memory %.1f and %.1f MB, CPU %.2f s", done,
		before.goroutines, after.goroutines, before.files, after.files, before.memory, after.memory, s.cpu().Seconds())
	if after.memory > before.memory+6 {
		t.Errorf("memory grew from %.1f to %.1f MB", before.memory, after.memory)
	}
	door := h.gate(at(outer, kaillera))
	door.open()
}

// disturb does one thing to the home and says which.
func (h *home) disturb() string {
	h.t.Helper()
	switch n := rand.IntN(5); n {
	case 0:
		h.lab("router", "reboot", "1")
		return "reboot"
	case 1:
		h.lab("wanip", fmt.Sprintf("11.77.0.%d", 40+rand.IntN(100)))
		return "renumber"
	case 2:
		h.lab("lan", "down")
		h.pass(time.Second)
		h.lab("lan", "up")
		return "cable"
	case 3:
		h.lab("router", "crash")
		h.pass(time.Second)
		h.lab("router", "restart")
		return "crash"
	}
	h.lab("router", "flush")
	return "flush"
}

// settle waits until the port is open and what takes a while is over: a slow search listens for 10 s.
func (h *home) settle(s *sitter) {
	h.t.Helper()
	s.await(65*time.Second, "ready", func(_ *daemon.Status, p *daemon.Port) bool { return p.Verdict == daemon.Ready })
	h.pass(12 * time.Second)
}

// load is what the program holds.
type load struct {
	goroutines, files int
	memory            float64 // MB
}

func (s *sitter) load() load {
	s.home.t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		s.home.t.Fatal(err)
	}
	return load{s.metric("go_goroutines"), len(files), float64(s.memory("VmRSS")) / (1 << 20)}
}
