//go:build lab && linux

package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// How soon the service has to be there again.
const (
	bootWithin    = 15 * time.Second
	restartWithin = 8 * time.Second // 6 are promised: RestartSec=5 of the unit, and the start; a busy PC gets 2 more
)

// The Debian package on a PC with a real systemd, from the day it is installed to the day it is
// purged: one life, because each day begins with what the one before has left.
func TestSystemdPackage(t *testing.T) {
	t.Parallel()
	older, newer := packages(t, "0.9.1"), packages(t, "0.9.2")
	h := newHome(t)
	m := h.powerOn()
	before := m.files()

	m.put(older.deb, "/root/portsitter.deb")
	start := time.Now()
	m.run("dpkg", "-i", "/root/portsitter.deb")
	m.say("installed and open after %v", m.reachable(start))
	if out := m.run("systemctl", "status", "--no-pager", "portsitter"); !strings.Contains(out, "active (running)") || !strings.Contains(out, "enabled") {
		t.Errorf("systemctl status: %s", out)
	}

	start = time.Now()
	m.order("reboot")
	m.say("after a reboot open again within %v, without hands", m.reachable(start))

	m.day("killed", (*machine).killed)
	m.day("hung", (*machine).hung)
	m.day("stopped", (*machine).stopped)
	m.day("disk full", (*machine).diskFull)
	m.day("upgraded", func(m *machine) { m.upgraded(newer) })

	start = time.Now()
	m.run("dpkg", "--purge", "portsitter")
	m.run("rm", "/root/portsitter.deb")
	m.say("purged in %v", time.Since(start).Round(10*time.Millisecond))
	m.traceless(before)
}

// day is a test of its own, so that what it has started ends with it; without it there are no further
// days.
func (m *machine) day(name string, live func(*machine)) {
	m.home.t.Helper()
	ok := m.home.t.Run(name, func(t *testing.T) {
		home := *m.home
		home.t = t
		live(&machine{home: &home, disk: m.disk})
	})
	if !ok {
		m.home.t.FailNow()
	}
}

// reachable waits until the port is open, lets a packet from the internet prove it, and returns how
// long that took.
func (m *machine) reachable(since time.Time) time.Duration {
	m.home.t.Helper()
	m.await(bootWithin, "a mapping", mapped)
	took := time.Since(since).Round(10 * time.Millisecond)
	m.home.reachable(at(outer, kaillera))
	if got := m.home.rules(); !slices.Equal(got, []string{ourRule}) {
		m.home.t.Fatalf("router: %v, want %s", got, ourRule)
	}
	return took
}

// A crash: systemd starts it again, and all the time the router keeps the port open.
func (m *machine) killed() {
	m.home.t.Helper()
	g := m.home.gate(at(outer, kaillera))
	g.open()
	pid, start := m.property("MainPID"), time.Now()
	m.run("systemctl", "kill", "--kill-whom=main", "-s", "KILL", "portsitter")
	m.awaitActive(2*restartWithin, pid)
	took := time.Since(start)
	m.say("killed with -9: back after %v, the port was shut for %v", took.Round(10*time.Millisecond), g.longestGap(start).Round(10*time.Millisecond))
	if took > restartWithin {
		m.home.t.Errorf("back after %v, want at most %v", took, restartWithin)
	}
	m.await(5*time.Second, "a mapping", mapped)
}

// `systemctl stop` takes the entry out of the router; a second one is no error.
func (m *machine) stopped() {
	t := m.home.t
	t.Helper()
	start := time.Now()
	m.run("systemctl", "stop", "portsitter")
	m.say("stopped in %v", time.Since(start).Round(10*time.Millisecond))
	if rules := m.home.rules(); len(rules) != 0 {
		t.Errorf("stopped, and the router still has %v", rules)
	}
	m.home.unreachable(at(outer, kaillera))
	if result := m.property("Result"); result != "success" {
		t.Errorf("stopped with %s", result)
	}
	m.run("systemctl", "stop", "portsitter")
	start = time.Now()
	m.run("systemctl", "start", "portsitter")
	m.say("started in %v, open after %v", time.Since(start).Round(10*time.Millisecond), m.reachable(start))
}

// A loop that hangs is as bad as none, and nobody would see it but the watchdog. The program that can
// be made to hang is a build of its own.
func (m *machine) hung() {
	t := m.home.t
	t.Helper()
	const program = "/usr/bin/portsitter"
	m.run("systemctl", "stop", "portsitter")
	m.run("mv", program, program+".proper")
	m.put(hangable(t), program)
	m.write("/etc/systemd/system/portsitter.service.d/hang.conf", "[Service]\nWatchdogSec=2\n")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "portsitter")
	pid := m.property("MainPID")
	m.home.pass(3 * time.Second)
	if now := m.property("MainPID"); now != pid {
		t.Errorf("the watchdog bites a loop that turns: process %s is %s now", pid, now)
	}
	start := time.Now()
	m.run("systemctl", "kill", "--kill-whom=main", "-s", "USR1", "portsitter")
	m.home.lab("lan", "down") // so that it looks at the routes
	m.home.lab("lan", "up")
	m.awaitActive(20*time.Second, pid)
	m.say("a loop that hangs, with WatchdogSec=2: a new one after %v, open after %v", time.Since(start).Round(10*time.Millisecond), m.reachable(start))
	if log := m.run("journalctl", "--no-pager", "-u", "portsitter"); !strings.Contains(log, "Watchdog timeout") {
		t.Errorf("the journal says nothing about a watchdog:\n%s", log)
	}
	m.run("systemctl", "stop", "portsitter")
	m.run("mv", program+".proper", program)
	m.run("rm", "-r", "/etc/systemd/system/portsitter.service.d")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "portsitter")
}

// hangable builds the program so that its loop hangs after SIGUSR1.
func hangable(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "portsitter")
	cmd := exec.Command("go", "build", "-tags", "hangtest", "-o", out, "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, text)
	}
	return out
}

// stateDir is where a service with a DynamicUser really keeps its state.
const stateDir = "/var/lib/private/portsitter"

// A full disk is no reason to shut the port, but one to say so.
func (m *machine) diskFull() {
	t := m.home.t
	t.Helper()
	m.run("systemctl", "stop", "portsitter")
	m.run("sh", "-c", "cp -a "+stateDir+" /root/state && mount -t tmpfs -o size=64k,mode=700 tmpfs "+stateDir+
		" && cp -a /root/state/. "+stateDir+" && chown --reference=/root/state "+stateDir)
	m.run("systemctl", "start", "portsitter")
	m.await(bootWithin, "a mapping", mapped)
	m.run("sh", "-c", "dd if=/dev/zero of="+stateDir+"/filler bs=1k 2>/dev/null || true") // until nothing more fits
	says := func(st *daemon.Status, p *daemon.Port) bool {
		return p.Mapping != nil && p.Mapping.Protocol == "upnp" && slices.ContainsFunc(st.Notices, func(n string) bool { return strings.Contains(n, "no space left") })
	}
	pid := m.property("MainPID")
	m.home.lab("router", "reboot", "1", "natpmp=no") // another protocol is something to be remembered
	st := m.await(30*time.Second, "a notice about the disk, and the port open again", says)
	m.home.reachable(at(outer, kaillera))
	m.say("disk full: %q", st.Notices)
	if now := m.property("MainPID"); now != pid {
		t.Errorf("it did not survive the full disk: process %s is %s now", pid, now)
	}
	m.run("systemctl", "restart", "portsitter")
	m.await(bootWithin, "a notice about the disk, and the port open, after a start", says)
	m.run("systemctl", "stop", "portsitter")
	m.run("sh", "-c", "umount "+stateDir+" && rm -r /root/state")
	m.home.lab("router", "reboot", "1")
	m.run("systemctl", "start", "portsitter")
	m.await(bootWithin, "a mapping", mapped)
}

// An upgrade keeps what a person has set and what the program has learnt, and the port is shut for no
// longer than the restart takes.
func (m *machine) upgraded(newer release) {
	t := m.home.t
	t.Helper()
	const settingsFile = "/etc/portsitter/portsitter.toml"
	settings := strings.Replace(m.read(settingsFile), "[router]\n", "[router]\n# a line of mine\n", 1)
	m.write(settingsFile, settings)
	secret := m.secret()
	g := m.home.gate(at(outer, kaillera))
	g.open()
	m.put(newer.deb, "/root/portsitter.deb")
	pid, start := m.property("MainPID"), time.Now()
	m.run("dpkg", "-i", "/root/portsitter.deb")
	m.awaitActive(restartWithin, pid)
	m.await(5*time.Second, "a mapping", mapped)
	m.home.pass(time.Second)
	gap := g.longestGap(start)
	m.say("upgraded in %v, the port was shut for %v", time.Since(start).Round(10*time.Millisecond), gap.Round(10*time.Millisecond))
	if gap > 3*time.Second {
		t.Errorf("the port was shut for %v", gap)
	}
	if out := m.run("portsitter", "version"); !strings.Contains(out, newer.version) {
		t.Errorf("portsitter version says %q, want %s", out, newer.version)
	}
	if m.read(settingsFile) != settings {
		t.Error("the upgrade has changed the settings")
	}
	if now := m.secret(); now != secret || secret == "" {
		t.Errorf("the upgrade has lost the state: secret %q is %q now", secret, now)
	}
}

// secret is what the program has drawn once in its life, out of its state file.
func (m *machine) secret() string {
	m.home.t.Helper()
	var state struct{ Secret json.RawMessage }
	if err := json.Unmarshal([]byte(m.read(filepath.Join(stateDir, "state.json"))), &state); err != nil {
		m.home.t.Fatal(err)
	}
	return string(state.Secret)
}

// write writes a file on the PC, keeping the rights of one that is there.
func (m *machine) write(path, text string) {
	m.home.t.Helper()
	at := filepath.Join(m.disk, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		m.home.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		m.home.t.Fatal(err)
	}
}
