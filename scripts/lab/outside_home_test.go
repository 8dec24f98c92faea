//go:build lab && linux

package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// Where the lab's checker is.
const (
	checkerHost = "11.77.0.1:8090"
	checkURL    = "http://" + checkerHost + "/kaillera/p2p-check"
	getIPURL    = "http://" + checkerHost + "/kaillera/get-ip"
)

// checkedSettings ask the checker in wan. What follows goes on in [checker].
const checkedSettings = `
[public_ip]
http = ["` + getIPURL + `"]
stun = ["11.77.0.1:3478"]
[checker]
urls = ["` + checkURL + `"]
`

// onlyAsked is for tests that say themselves when to check.
const onlyAsked = "automatic = false\n"

// checker is a `portsitter checker` on the internet.
type checker struct {
	home *home
	pid  int
	http *http.Client // on the same computer
}

// checker starts one; it ends with the test.
func (h *home) checker(flags ...string) *checker {
	h.t.Helper()
	c := &checker{home: h, http: h.client("wan", 30*time.Second)}
	args := append([]string{built.portsitter, "checker", "--listen", checkerHost}, flags...)
	c.pid = h.background("wan", args, nil)
	eventually(h.t, 5*time.Second, "the checker is there", func() bool {
		rsp, err := c.http.Get("http://" + checkerHost + "/healthz")
		if err != nil {
			return false
		}
		rsp.Body.Close()
		return rsp.StatusCode == http.StatusOK
	})
	return c
}

// background runs a program until the test ends. Its output goes to the test's log if that fails;
// its standard output to out, if it is not nil.
func (h *home) background(space string, args []string, out func(io.Reader)) (pid int) {
	h.t.Helper()
	cmd := h.command(space, args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	var wg sync.WaitGroup
	if out != nil {
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			h.t.Fatal(err)
		}
		wg.Go(func() { out(stdout) })
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	// For `lab.sh down`, should this test be killed.
	name := fmt.Sprintf("%s-%d.pid", filepath.Base(args[0]), cmd.Process.Pid)
	if err := os.WriteFile(filepath.Join(h.run, name), fmt.Appendf(nil, "%d\n", cmd.Process.Pid), 0o600); err != nil {
		h.t.Error(err)
	}
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have exited
		wg.Wait()
		_ = cmd.Wait() // how it ends is no part of the test
		if h.t.Failed() {
			h.t.Logf("%v:\n%s", args, log.String())
		}
	})
	return cmd.Process.Pid
}

// metric reads a number of the checker's /metrics.
func (c *checker) metric(name string) int {
	c.home.t.Helper()
	rsp, err := c.http.Get("http://" + checkerHost + "/metrics")
	if err != nil {
		c.home.t.Fatal(err)
	}
	defer rsp.Body.Close()
	text, err := io.ReadAll(rsp.Body)
	if err != nil {
		c.home.t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^portsitter_checker_` + regexp.QuoteMeta(name) + ` (\d+)$`).FindSubmatch(text)
	if m == nil {
		c.home.t.Fatalf("no metric %s in\n%s", name, text)
	}
	n, _ := strconv.Atoi(string(m[1])) // only digits
	return n
}

// made is how many checks were made, by what came of them.
func (c *checker) made() (reachable, unreachable int) {
	return c.metric(`checks_total{result="reachable"}`), c.metric(`checks_total{result="unreachable"}`)
}

// memory is a line of /proc/PID/status, such as VmRSS, in bytes.
func (c *checker) memory(field string) int {
	c.home.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
	if err != nil {
		c.home.t.Fatal(err)
	}
	m := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		c.home.t.Fatalf("no %s in\n%s", field, text)
	}
	kB, _ := strconv.Atoi(string(m[1])) // only digits
	return kB << 10
}

// startChecked runs the program with the checker in wan; the settings go on in [checker].
func (h *home) startChecked(settings string) *sitter {
	h.t.Helper()
	return h.startWith(h.t.TempDir(), checkedSettings+settings)
}

// check runs `portsitter check --json`, and says what it found, how it exits, and what it printed
// on standard error.
func (s *sitter) check(args ...string) (st *daemon.Status, code int, stderr string) {
	s.home.t.Helper()
	start := time.Now()
	cmd := s.home.command("lan", append([]string{built.portsitter, "check", "--json", "--page", page}, args...)...)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		stderr = string(exit.Stderr)
	} else if err != nil {
		s.home.t.Fatal(err)
	}
	code = cmd.ProcessState.ExitCode()
	s.home.t.Logf("check %s: exit %d after %v", strings.Join(args, " "), code, time.Since(start).Round(time.Millisecond))
	if len(out) == 0 {
		return nil, code, stderr
	}
	st = new(daemon.Status)
	if err := json.Unmarshal(out, st); err != nil || len(st.Ports) == 0 {
		s.home.t.Fatalf("check --json: %v\n%s", err, out)
	}
	return st, code, stderr
}

// checkReachable says whether a status tells in all its parts that the port is reachable.
func checkReachable(t *testing.T, p *daemon.Port, answeredBy string) {
	t.Helper()
	want := at(outer, kaillera).String()
	if p.Verdict != daemon.Reachable || p.Code != daemon.CodeReachable || p.Address != want {
		t.Errorf("verdict %q, code %q, address %q; want reachable at %s", p.Verdict, p.Code, p.Address, want)
	}
	if o := p.Outside; o == nil || o.State != "reachable" || o.AnsweredBy != answeredBy || o.Checker != checkURL || o.At == nil {
		t.Errorf("outside %+v, want reachable, answered by %s, told by %s", o, answeredBy, checkURL)
	}
	if got := step(t, p, daemon.StepOutside); got.State != daemon.StepOK {
		t.Errorf("rung outside is %s (%s), want ok", got.State, got.Summary)
	}
}

// games are doubles of emulators, one on each of some ports.
type games struct {
	home *home

	mu    sync.Mutex
	lines map[uint16][]gameLine
}

// gameLine is what labtool's game prints.
type gameLine struct {
	At      time.Time
	Port    uint16
	Waiting bool
	Game    *simhome.GameView
}

// games starts hosting on the PC, from port on. It does not wait for anything.
func (h *home) games(port uint16, flags ...string) *games {
	h.t.Helper()
	g := &games{home: h, lines: map[uint16][]gameLine{}}
	args := append([]string{built.labtool, "game"}, flags...)
	h.background("lan", append(args, fmt.Sprintf("0.0.0.0:%d", port)), g.read)
	return g
}

// game hosts one game on the Kaillera port, and returns when it does.
func (h *home) game(flags ...string) *games {
	h.t.Helper()
	g := h.games(kaillera, flags...)
	g.await(2*time.Second, kaillera, "hosting", func(v simhome.GameView) bool { return v.Open })
	return g
}

func (g *games) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l gameLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			g.home.t.Errorf("labtool game prints %q: %v", lines.Text(), err)
			continue
		}
		g.mu.Lock()
		g.lines[l.Port] = append(g.lines[l.Port], l)
		g.mu.Unlock()
	}
}

// told is what the game on a port has told so far.
func (g *games) told(port uint16) []gameLine {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]gameLine(nil), g.lines[port]...)
}

// view is the game on a port as it is now; the zero value when it does not host.
func (g *games) view(port uint16) simhome.GameView {
	if told := g.told(port); len(told) > 0 && told[len(told)-1].Game != nil {
		return *told[len(told)-1].Game
	}
	return simhome.GameView{}
}

// await waits until the game on a port is as it should be.
func (g *games) await(within time.Duration, port uint16, what string, is func(simhome.GameView) bool) simhome.GameView {
	g.home.t.Helper()
	var v simhome.GameView
	eventually(g.home.t, within, what, func() bool {
		v = g.view(port)
		return is(v)
	})
	return v
}

// stderrOf is what a program printed on standard error before it failed with err.
func stderrOf(err error) string {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
