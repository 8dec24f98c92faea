//go:build lab && linux

package lab

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// machine is the PC of a home with a real systemd on it, made by sysd.sh, instead of bare programs.
type machine struct {
	home *home
	disk string // its root folder, seen from here
}

// powerOn boots the PC; it is switched off when the test ends.
func (h *home) powerOn() *machine {
	h.t.Helper()
	m := &machine{home: h}
	m.order("up")
	h.t.Cleanup(func() {
		if h.t.Failed() {
			log, _ := m.try("journalctl", "--no-pager", "-n", "80", "-u", "portsitter")
			h.t.Logf("the PC's journal:\n%s\nrouter: %v", log, h.rules())
		}
		m.order("down")
	})
	m.disk = strings.TrimSpace(m.order("disk"))
	return m
}

func (m *machine) sysd(args ...string) *exec.Cmd {
	cmd := exec.Command("./sysd.sh", args...)
	cmd.Env = append(os.Environ(), "NSP="+m.home.prefix, "LAB_RUN="+m.home.run)
	return cmd
}

func (m *machine) order(args ...string) string {
	m.home.t.Helper()
	out, err := m.sysd(args...).CombinedOutput()
	if err != nil {
		m.home.t.Fatalf("sysd.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// try runs a command on the PC.
func (m *machine) try(args ...string) (string, error) {
	out, err := m.sysd(append([]string{"x"}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run runs a command on the PC that must succeed.
func (m *machine) run(args ...string) string {
	m.home.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.home.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// put copies a file to the PC's disk, which is as good as a USB stick.
func (m *machine) put(file, path string) {
	m.home.t.Helper()
	from, err := os.Open(file)
	if err != nil {
		m.home.t.Fatal(err)
	}
	defer from.Close()
	at := filepath.Join(m.disk, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		m.home.t.Fatal(err)
	}
	to, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		m.home.t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := cmp.Or(err, to.Close()); err != nil {
		m.home.t.Fatal(err)
	}
}

// read reads a file of the PC.
func (m *machine) read(path string) string {
	m.home.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.disk, path))
	if err != nil {
		m.home.t.Fatal(err)
	}
	return string(text)
}

// property is what systemd knows about the service.
func (m *machine) property(name string) string {
	m.home.t.Helper()
	return m.run("systemctl", "show", "portsitter.service", "--value", "-p", name)
}

// awaitActive waits until the service runs in another process than before, and says that it is ready.
func (m *machine) awaitActive(within time.Duration, before string) {
	m.home.t.Helper()
	eventually(m.home.t, within, "the service is active", func() bool {
		return m.property("ActiveState") == "active" && m.property("MainPID") != before
	})
}

// await polls the status until done says yes, and fails the test when that takes too long.
func (m *machine) await(within time.Duration, what string, done func(st *daemon.Status, port *daemon.Port) bool) *daemon.Status {
	m.home.t.Helper()
	s := sitter{home: m.home, client: m.home.client("lan", 2*time.Second)}
	return s.await(within, what, done)
}

// mapped reports whether the port is open, as far as the program knows.
func mapped(_ *daemon.Status, p *daemon.Port) bool { return p.Mapping != nil }

// settled are folders where the system keeps what it has seen, whatever is installed.
var settled = []string{"/var/log/", "/var/cache/", "/var/lib/systemd/", "/var/tmp/systemd-private-", "/root/"}

// files lists everything on the PC's disk with its kind, rights and owner.
func (m *machine) files() []string {
	m.home.t.Helper()
	const kept = "/var/lib/systemd/deb-systemd-" // what Debian notes about an installed service
	var list []string
	for line := range strings.Lines(m.run("find", "/", "-xdev", "-printf", `%y %m %U:%G %p\n`)) {
		line = strings.TrimSuffix(line, "\n")
		path := line[strings.Index(line, "/"):]
		mine := !slices.ContainsFunc(settled, func(dir string) bool { return strings.HasPrefix(path, dir) })
		// systemd makes /var/lib/private for the first service with a DynamicUser, and keeps it.
		if strings.HasPrefix(path, kept) || mine && path != "/var/lib/private" && !strings.HasSuffix(path, "-old") {
			list = append(list, line)
		}
	}
	return list
}

// traceless fails the test unless everything on the PC and in the router is as it was before.
func (m *machine) traceless(before []string) {
	t := m.home.t
	t.Helper()
	after := m.files()
	for _, f := range after {
		if !slices.Contains(before, f) {
			t.Errorf("left behind: %s", f)
		}
	}
	for _, f := range before {
		if !slices.Contains(after, f) {
			t.Errorf("gone, too: %s", f)
		}
	}
	if out, err := m.try("getent", "passwd", "portsitter"); err == nil {
		t.Errorf("a user is left: %s", out)
	}
	if out, _ := m.try("systemctl", "list-unit-files", "--no-legend", "portsitter*"); out != "" { // none is an error
		t.Errorf("a unit is left: %s", out)
	}
	if out := m.run("systemctl", "list-units", "--all", "--no-legend", "portsitter*"); out != "" {
		t.Errorf("systemd remembers: %s", out)
	}
	if rules := m.home.rules(); len(rules) != 0 {
		t.Errorf("the router still has %v", rules)
	}
}

// longestGap is the longest time since then for which no packet came in.
func (g *gate) longestGap(since time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest, last := time.Duration(0), since
	for _, a := range g.came {
		if a.at.After(last) {
			longest, last = max(longest, a.at.Sub(last)), a.at
		}
	}
	return max(longest, time.Since(last))
}

func (m *machine) say(format string, args ...any) {
	m.home.t.Helper()
	m.home.t.Log("systemd: " + fmt.Sprintf(format, args...))
}
