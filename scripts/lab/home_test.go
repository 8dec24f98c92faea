//go:build lab && linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kaillera is the port that is kept open unless the settings say otherwise.
const kaillera = 27886

// Addresses of the lab, as lab.sh gives them.
var (
	host  = netip.MustParseAddr("192.168.77.2")
	outer = netip.MustParseAddr("11.77.0.2")
)

// home is one lab of its own: a router, a PC, a second PC and an internet.
type home struct {
	t      *testing.T
	prefix string
	run    string   // pid files and logs
	under  []string // a command that runs the program: strace
}

var homes atomic.Int32

// newHome makes a lab with its router started, and takes it down when the test ends.
func newHome(t *testing.T, routerOptions ...string) *home {
	t.Helper()
	prefix := fmt.Sprintf("%s%d", built.prefix, homes.Add(1))
	// The same directory in every run, so that `up` finds and ends what a killed run left.
	h := &home{t: t, prefix: prefix, run: filepath.Join(os.TempDir(), "portsitter-"+prefix)}
	h.lab(append([]string{"up"}, routerOptions...)...)
	t.Cleanup(func() { h.lab("down") })
	return h
}

// lab calls lab.sh and returns what it printed.
func (h *home) lab(args ...string) string {
	h.t.Helper()
	cmd := exec.Command("./lab.sh", args...)
	cmd.Env = append(os.Environ(), "NSP="+h.prefix, "LAB_RUN="+h.run, "LABTOOL="+built.labtool)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("lab.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// rules are the router's forwardings, one "port -> address:port" each.
func (h *home) rules() []string {
	h.t.Helper()
	return strings.Fields(strings.ReplaceAll(h.lab("rules"), " -> ", "->"))
}

// command is a program that will run on one of the lab's computers.
func (h *home) command(space string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.prefix + "-" + space}, args...)...)
}

// inside calls fn in a namespace: sockets that fn opens stay there.
func (h *home) inside(space string, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread, which is in another namespace now, ends with the goroutine.
		runtime.LockOSThread()
		ns, err := os.Open("/run/netns/" + h.prefix + "-" + space)
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}

func (h *home) listenUDP(space string, port uint16) (c *net.UDPConn, err error) {
	err = h.inside(space, func() error {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{Port: int(port)})
		return err
	})
	return c, err
}

func (h *home) dial(space, network, addr string) (c net.Conn, err error) {
	err = h.inside(space, func() error {
		c, err = net.DialTimeout(network, addr, time.Second)
		return err
	})
	return c, err
}

// client asks web servers from one of the lab's computers.
func (h *home) client(space string, timeout time.Duration) *http.Client {
	transport := &http.Transport{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		return h.dial(space, network, addr)
	}}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: timeout, Transport: transport}
}

// knock sends one packet from the internet to addr, and returns nil when it came to the PC's port
// and the PC's answer came back. The port must be free on the PC.
func (h *home) knock(addr netip.AddrPort, port uint16, within time.Duration) error {
	game, err := h.listenUDP("lan", port)
	if err != nil {
		return err
	}
	defer game.Close()
	opponent, err := h.dial("wan", "udp4", addr.String())
	if err != nil {
		return err
	}
	defer opponent.Close()
	deadline := time.Now().Add(within)
	if err := errors.Join(game.SetDeadline(deadline), opponent.SetDeadline(deadline)); err != nil {
		return err
	}
	question := fmt.Sprintf("knock %d", deadline.UnixNano())
	if _, err := opponent.Write([]byte(question)); err != nil {
		return err
	}
	buf := make([]byte, 100)
	n, from, err := game.ReadFromUDPAddrPort(buf)
	if err != nil {
		return fmt.Errorf("the packet to %v did not arrive: %w", addr, err)
	}
	if string(buf[:n]) != question {
		return fmt.Errorf("%q arrived instead of %q", buf[:n], question)
	}
	if _, err := game.WriteToUDPAddrPort(buf[:n], from); err != nil {
		return err
	}
	if _, err := opponent.Read(buf); err != nil {
		return fmt.Errorf("the answer to %v did not come back: %w", from, err)
	}
	return nil
}

// reachable fails the test unless somebody on the internet can reach the PC's port at addr.
func (h *home) reachable(addr netip.AddrPort) {
	h.t.Helper()
	if err := h.knock(addr, kaillera, 2*time.Second); err != nil {
		h.t.Fatalf("%v is not reachable: %v\nrouter: %v", addr, err, h.rules())
	}
}

// unreachable fails the test if somebody on the internet can reach the PC's port at addr.
func (h *home) unreachable(addr netip.AddrPort) {
	h.t.Helper()
	if err := h.knock(addr, kaillera, 300*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		h.t.Fatalf("%v: got %v, want a packet that does not arrive\nrouter: %v", addr, err, h.rules())
	}
}

// eventually polls until done says yes, and fails the test when that takes longer than within.
func eventually(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// throughout polls for a while and fails the test as soon as holds says no.
func throughout(t *testing.T, period time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < period; <-tick.C {
		if !holds() {
			t.Fatalf("after %v no longer so: %s", time.Since(start).Round(time.Millisecond), what)
		}
	}
}
