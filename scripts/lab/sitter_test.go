//go:build lab && linux

package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

const page = "127.0.0.1:27880"

// settings ask the lab's internet instead of the real one. Its outside checks are the job of other
// tests: here a packet is the proof.
const settings = `
[public_ip]
http = ["http://11.77.0.1:8080/"]
stun = ["11.77.0.1:3478"]
[checker]
automatic = false
`

// sitter is the real program, running on the PC of a home.
type sitter struct {
	home    *home
	cmd     *exec.Cmd
	started time.Time
	client  *http.Client
	granted chan grant    // the first grant it logged
	ended   chan struct{} // closed when it has exited and its log is complete

	mu  sync.Mutex
	log strings.Builder
}

// grant is what a log line with the message "mapped" says.
type grant struct {
	after    time.Duration // since the start of the process
	port     string
	external string // address:port; ":port" while the router has not told its address
	protocol string
}

// start runs the program with a fresh state directory.
func (h *home) start(extraSettings string) *sitter {
	h.t.Helper()
	return h.startIn(h.t.TempDir(), extraSettings)
}

// startIn runs the program with a state directory that may have been used before.
func (h *home) startIn(state, extraSettings string) *sitter {
	h.t.Helper()
	return h.startWith(state, settings+extraSettings)
}

func (h *home) startWith(state, settings string) *sitter {
	h.t.Helper()
	config := filepath.Join(h.t.TempDir(), "portsitter.toml")
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		h.t.Fatal(err)
	}
	s := &sitter{home: h, granted: make(chan grant, 1), ended: make(chan struct{})}
	s.cmd = h.command("lan", append(h.under, built.portsitter, "run", "--config", config, "--state", state, "--page", page)...)
	s.client = h.client("lan", 2*time.Second)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	s.started = time.Now()
	if err := s.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	// For `lab.sh down`, should this test be killed.
	pid := fmt.Appendf(nil, "%d\n", s.cmd.Process.Pid)
	if err := os.WriteFile(filepath.Join(h.run, "portsitter.pid"), pid, 0o600); err != nil {
		h.t.Fatal(err)
	}
	go s.read(stderr)
	h.t.Cleanup(s.cleanup)
	return s
}

// read keeps the log until the program has gone.
func (s *sitter) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		after := time.Since(s.started)
		s.mu.Lock()
		fmt.Fprintf(&s.log, "%8.3f %s\n", after.Seconds(), lines.Text())
		s.mu.Unlock()
		if g, ok := parseGrant(lines.Text()); ok {
			g.after = after
			select {
			case s.granted <- g:
			default:
			}
		}
	}
	_ = s.cmd.Wait() // the exit code is read from ProcessState
	close(s.ended)
}

var grantLine = regexp.MustCompile(`msg=mapped port=("[^"]*"|\S+) external=(\S+) protocol=(\S+) took=\S+`)

func parseGrant(line string) (grant, bool) {
	m := grantLine.FindStringSubmatch(line)
	if m == nil {
		return grant{}, false
	}
	return grant{port: strings.Trim(m[1], `"`), external: m[2], protocol: m[3]}, true
}

// cleanup ends the program the hard way, and says what it knew if the test has failed.
func (s *sitter) cleanup() {
	t := s.home.t
	if t.Failed() {
		status, err := s.get()
		text, _ := json.Marshal(status) // what was decoded can be encoded
		t.Logf("status: %v\n%s\nrouter: %v", err, text, s.home.rules())
	}
	_ = s.cmd.Process.Kill() // it may have exited
	<-s.ended
	if t.Failed() {
		t.Logf("log, by seconds since the start:\n%s", s.logged())
	}
}

func (s *sitter) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// get asks the page for the status, once.
func (s *sitter) get() (*daemon.Status, error) {
	rsp, err := s.client.Get("http://" + page + "/api/v1/status")
	if err != nil {
		return nil, err
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		return nil, errors.New(rsp.Status)
	}
	var st daemon.Status
	return &st, json.NewDecoder(rsp.Body).Decode(&st)
}

// await polls the status until done says yes, and fails the test when that takes too long.
func (s *sitter) await(within time.Duration, what string, done func(st *daemon.Status, port *daemon.Port) bool) *daemon.Status {
	s.home.t.Helper()
	var st *daemon.Status
	eventually(s.home.t, within, what, func() bool {
		var err error
		st, err = s.get()
		return err == nil && len(st.Ports) > 0 && done(st, &st.Ports[0])
	})
	return st
}

// awaitGrant waits for the first log line that says mapped.
func (s *sitter) awaitGrant(within time.Duration) grant {
	s.home.t.Helper()
	select {
	case g := <-s.granted:
		return g
	case <-s.ended:
		s.home.t.Fatalf("the program ended: %v", s.cmd.ProcessState)
	case <-time.After(within):
		s.home.t.Fatalf("nothing mapped within %v", within)
	}
	return grant{}
}

// kill ends it without warning, as a crash does.
func (s *sitter) kill() {
	s.home.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.home.t.Fatal(err)
	}
	<-s.ended
}

// stop asks it to end and returns how long that took.
func (s *sitter) stop() time.Duration {
	s.home.t.Helper()
	start := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.home.t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		s.home.t.Fatal("still running 10 s after SIGTERM")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.home.t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	return time.Since(start)
}

// verb runs the program a second time beside the running one, and returns what it prints on
// standard output and its exit code.
func (s *sitter) verb(args ...string) (string, int) {
	s.home.t.Helper()
	cmd := s.home.command("lan", append([]string{built.portsitter}, append(args, "--page", page)...)...)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.home.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// step finds a rung of the ladder.
func step(t *testing.T, p *daemon.Port, id string) daemon.Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("the ladder has no rung %q: %v", id, p.Steps)
	return daemon.Step{}
}
