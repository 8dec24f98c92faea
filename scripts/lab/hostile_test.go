//go:build lab && linux

package lab

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// hostileTogether is how long all attacks go on at once; scripts/soak makes it a minute.
var hostileTogether = flag.Duration("hostile", 5*time.Second, "how long the house is hostile in every way at once")

// What the program may cost in a hostile house.
const (
	hostileMemory = 30 << 20 // bytes, at most
	hostileCPU    = 0.10     // of a core
	hostilePause  = time.Second
)

// attack is something that another device does, in a home of some kind.
type attack struct {
	mode   string
	space  string // where it is: another PC, or the router itself
	router []string
	// How many datagrams of which kind must have been heard and dropped: else there was no attack.
	dropped drops
}

type drops struct {
	kind  string
	least int
}

// The attacks. Those of the router are shown to a program that has UPnP alone, so that they matter.
var attacks = []attack{
	{"elsewhere", "lan2", []string{"natpmp=no"}, drops{"search-answer", 7}},
	{"forge", "lan2", nil, drops{}}, // to sockets that are connected to the router: the kernel drops it
	{"epochs", "lan2", nil, drops{"announcement", 50}},
	{"gigabyte", "router", []string{"natpmp=no"}, drops{}},
	{"strings", "router", []string{"natpmp=no"}, drops{}},
	{"reset", "router", []string{"natpmp=no"}, drops{}},
	{"hang", "router", []string{"natpmp=no"}, drops{}},
}

// TestHostile: whatever one device of the house does, the port is open, nothing is asked of anybody
// but the router, and it costs next to nothing.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, a := range attacks {
		t.Run(a.mode, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, a.router...)
			h.attack(a)
			h.withstands(5*time.Second, a.dropped)
		})
	}
}

// TestHostileTogether: all of them at once, for longer; by all protocols, and by UPnP alone.
func TestHostileTogether(t *testing.T) {
	t.Parallel()
	for name, router := range map[string][]string{"all protocols": nil, "UPnP alone": {"natpmp=no"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, router...)
			for _, a := range attacks {
				h.attack(a)
			}
			h.withstands(*hostileTogether, drops{"announcement", 50})
		})
	}
}

// attack starts one, and returns when it is under way. It ends with the test.
func (h *home) attack(a attack) {
	h.t.Helper()
	own := "192.168.77.3"
	if a.space == "router" {
		own = "192.168.77.1"
	}
	cmd := h.command(a.space, built.labtool, "hostile", a.mode, own, "192.168.77.1", host.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		h.t.Fatalf("%s: %q, %v: %s", a.mode, line, err, complaint.String())
	}
}

// withstands runs the program in the hostile home for a while.
func (h *home) withstands(period time.Duration, dropped drops) {
	t := h.t
	t.Helper()
	h.countStrays()
	s := h.start("")
	s.awaitGrant(5 * time.Second)
	s.await(10*time.Second, "ready", func(_ *daemon.Status, p *daemon.Port) bool { return p.Verdict == daemon.Ready })
	door := h.gate(at(outer, kaillera))
	door.open()

	start, before := time.Now(), s.cpu()
	h.pass(period)
	took := time.Since(start)
	share := (s.cpu() - before).Seconds() / took.Seconds()
	// The metrics are those of the last publication, which may be 10 s old.
	heard := 0
	eventually(t, 15*time.Second, fmt.Sprintf("%d datagrams are counted as dropped %ss", dropped.least, dropped.kind), func() bool {
		heard = s.metric(`portsitter_dropped_datagrams_total{kind="` + dropped.kind)
		return heard >= dropped.least
	})
	peak, pause, strays := s.memory("VmHWM"), door.longestPause(), h.strays()
	t.Logf("in %v: memory %.1f MB at most, CPU %.1f %% of a core, longest pause %v, %d packets to third hosts, %d datagrams dropped",
		took.Round(100*time.Millisecond), float64(peak)/(1<<20), 100*share, pause.Round(time.Millisecond), strays, heard)
	if peak > hostileMemory {
		t.Errorf("memory %d MB, want at most %d", peak>>20, hostileMemory>>20)
	}
	if share > hostileCPU {
		t.Errorf("CPU %.1f %% of a core, want at most %.0f %%", 100*share, 100*hostileCPU)
	}
	if pause > hostilePause {
		t.Errorf("nothing came in for %v, want at most %v", pause, hostilePause)
	}
	if strays != 0 {
		t.Errorf("%d packets to others than the router and the servers of the settings", strays)
	}
	s.tame()
	s.stop()
	if rules := h.rules(); len(rules) != 0 {
		t.Errorf("left behind in the router: %v", rules)
	}
}

// countStrays counts, on the PC, packets to whom the program has no business with.
func (h *home) countStrays() {
	h.nft("lan", `table inet third { counter stray { } ; chain out { type filter hook output priority 0; oifname "lo" accept; ip protocol { icmp, igmp } accept;
		ip daddr { 192.168.77.1, 224.0.0.1, 239.255.255.250, 11.77.0.1 } accept; counter name stray; }; }`)
}

var strayPackets = regexp.MustCompile(`packets (\d+) bytes`)

func (h *home) strays() int {
	h.t.Helper()
	out, err := h.command("lan", "nft", "list", "counter", "inet", "third", "stray").CombinedOutput()
	m := strayPackets.FindSubmatch(out)
	if err != nil || m == nil {
		h.t.Fatalf("nft: %v\n%s", err, out)
	}
	n, _ := strconv.Atoi(string(m[1])) // only digits
	return n
}

// memory is a field of the process's status, in bytes.
func (s *sitter) memory(field string) int {
	s.home.t.Helper()
	c := checker{home: s.home, pid: s.cmd.Process.Pid}
	return c.memory(field)
}

// cpu is the time that the process has had on a processor (proc(5), fields 14 and 15 of stat).
func (s *sitter) cpu() time.Duration {
	s.home.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		s.home.t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11]) // only digits
	system, _ := strconv.Atoi(fields[12])
	const ticks = 100 // a second, on every Linux that Go knows
	return time.Duration(user+system) * time.Second / ticks
}

// metric adds up the samples of a metric of the page; its name may go on with a label.
func (s *sitter) metric(name string) int {
	s.home.t.Helper()
	sum := 0.0
	for line := range strings.Lines(s.fetch("/metrics")) {
		if strings.HasPrefix(line, name) {
			value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			if err != nil {
				s.home.t.Fatal(err)
			}
			sum += value
		}
	}
	return int(sum)
}

func (s *sitter) fetch(path string) string {
	s.home.t.Helper()
	rsp, err := s.client.Get("http://" + page + path)
	if err != nil {
		s.home.t.Fatal(err)
	}
	defer rsp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(rsp.Body, 4<<20))
	if err != nil {
		s.home.t.Fatal(err)
	}
	return string(text)
}

// tame fails the test if what the attacker said got anywhere as anything else than harmless text.
func (s *sitter) tame() {
	s.home.t.Helper()
	status, _ := s.verb("status")
	for name, text := range map[string]string{"the page": s.fetch("/"), "the metrics": s.fetch("/metrics"), "the log": s.logged(), "portsitter status": status} {
		for _, bad := range []string{"\x1b", "\u009b", "\u202e", "\r", "<script>alert", "\nlevel=ERROR msg=forged"} {
			if bad[0] == '<' && name != "the page" {
				continue // text is text everywhere else
			}
			if i := strings.Index(text, bad); i >= 0 {
				s.home.t.Errorf("%s holds %q: %q", name, bad, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
}
