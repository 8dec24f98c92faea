//go:build linux

package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demo is the real program in its home made of software.
type demo struct {
	t    *testing.T
	page string // host:port
	game int    // the UDP port that is kept open
	dir  string // for whatever it writes
	args []string
	cmd  *exec.Cmd
	log  strings.Builder
	gone chan struct{} // closed when it has ended
}

// status is what the tests read of /api/v1/status.
type status struct {
	Pass  int
	Ports []port
}

type port struct {
	Verdict  string
	Code     string
	Headline string
	NextStep string `json:"next_step"`
	Address  string
	Steps    []struct{ ID, State, Summary, Detail string }
	Outside  struct {
		ID    int
		State string
	}
}

// manual are settings with which nothing is checked from outside unless a person asks.
const manual = "[checker]\nautomatic = false\n"

// startDemo starts the demo with a fault, "" for none, and further settings. It ends with the test.
func startDemo(t *testing.T, fault, settings string) *demo {
	t.Helper()
	return startDemoOn(t, freeUDP(t), fault, settings)
}

// startDemoOn does it with a certain port for the game.
func startDemoOn(t *testing.T, game int, fault, settings string) *demo {
	t.Helper()
	d := &demo{t: t, game: game}
	d.page = freeTCP(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "portsitter.toml")
	text := fmt.Sprintf("[[port]]\nname = \"Kaillera P2P\"\nport = %d\n%s", d.game, settings)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d.args = []string{"demo", "--break", fault, "--page", d.page, "--config", file}
	d.dir = dir
	d.start()
	t.Cleanup(func() {
		d.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("log of the demo:\n%s", d.log.String())
		}
	})
	return d
}

// start starts the program, for the first time or again after its end.
func (d *demo) start() {
	d.t.Helper()
	cmd, gone := exec.Command(built.portsitter, d.args...), make(chan struct{})
	cmd.Env = append(os.Environ(), "TMPDIR="+d.dir)
	cmd.Stderr = &d.log
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ended does not matter
		close(gone)
	}()
	d.cmd, d.gone = cmd, gone
}

// end sends a signal and waits for the end. A demo that has ended already is left alone.
func (d *demo) end(signal os.Signal) {
	_ = d.cmd.Process.Signal(signal)
	<-d.gone
}

func freeTCP(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func freeUDP(t *testing.T) int {
	t.Helper()
	c, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

var api = &http.Client{Timeout: 5 * time.Second}

// status asks the program, as another program would.
func (d *demo) status() (s status, err error) {
	rsp, err := api.Get("http://" + d.page + "/api/v1/status")
	if err != nil {
		return s, err
	}
	defer rsp.Body.Close()
	if err := json.NewDecoder(rsp.Body).Decode(&s); err != nil {
		return s, err
	}
	if rsp.StatusCode != http.StatusOK || len(s.Ports) == 0 {
		return s, errors.New(rsp.Status)
	}
	return s, nil
}

// await polls until the first port is as wanted.
func (d *demo) await(within time.Duration, what string, done func(port) bool) port {
	d.t.Helper()
	var last port
	eventually(d.t, within, what, func() bool {
		s, err := d.status()
		if err != nil {
			return false
		}
		last = s.Ports[0]
		return done(last)
	}, func() string { return fmt.Sprintf("%+v", last) })
	return last
}

// awaitCode waits until the program comes to a diagnosis.
func (d *demo) awaitCode(within time.Duration, code string) port {
	d.t.Helper()
	return d.await(within, code, func(p port) bool { return p.Code == code && p.Verdict != "checking" })
}

// post is what a program does that asks for something.
func (d *demo) post(path string) {
	d.t.Helper()
	rsp, err := api.Post("http://"+d.page+path, "", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	rsp.Body.Close()
	if rsp.StatusCode != http.StatusAccepted {
		d.t.Fatalf("POST %s: %s", path, rsp.Status)
	}
}

// eventually polls until done says yes, and fails the test when that takes longer than within.
func eventually(t *testing.T, within time.Duration, what string, done func() bool, last func() string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond) // often enough, and the browser has other work
	defer tick.Stop()
	for deadline := time.Now().Add(within); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s\nlast: %s", within, what, last())
		}
	}
}
