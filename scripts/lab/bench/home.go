//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// home is one lab: a router, a PC and an internet in network namespaces of their own.
type home struct {
	b    *bench
	name string
	run  string // directory of its pid files
}

// newHome sets up a lab beside all others. It has to be taken down.
func (b *bench) newHome(name string, router ...string) (*home, error) {
	h := &home{b: b, name: b.prefix + name}
	h.run = filepath.Join(b.dir, "lab-"+name)
	_, err := h.lab(append([]string{"up"}, router...)...)
	return h, err
}

func (h *home) down() { _, _ = h.lab("down") }

// lab calls lab.sh and returns what it printed.
func (h *home) lab(args ...string) (string, error) {
	cmd := exec.Command(h.b.script, args...)
	cmd.Env = append(os.Environ(), "NSP="+h.name, "LAB_RUN="+h.run, "LABTOOL="+filepath.Join(h.b.bin, "labtool"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("lab.sh %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// in runs f on a thread in one of the home's namespaces: processes that it starts and sockets that
// it opens belong there. `ip netns exec` would cost milliseconds that are to be measured.
func (h *home) in(space string, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		done <- func() error {
			ns, err := os.Open("/run/netns/" + h.name + "-" + space)
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("setns %s: %w", space, err)
			}
			return f()
		}()
	}()
	return <-done
}

// nft loads rules in one of the namespaces.
func (h *home) nft(space, rules string) error {
	return h.in(space, func() error {
		cmd := exec.Command("nft", "-f", "-")
		cmd.Stdin = strings.NewReader(rules)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("nft: %w\n%s", err, out)
		}
		return nil
	})
}

// output runs a command in one of the namespaces.
func (h *home) output(space string, command ...string) (string, error) {
	var out []byte
	err := h.in(space, func() (err error) {
		out, err = exec.Command(command[0], command[1:]...).Output()
		return err
	})
	return string(out), err
}

// The transports, as they stand in the router's rules.
const (
	udp = " 0x11 "
	tcp = " 0x6 "
)

// forwards gives the external ports that lead to port 27886 of the PC. miniupnpd's rules look like
// "iif "wan0" @nh,72,8 0x11 th dport 27886 dnat ip to 192.168.77.2:27886".
func (h *home) forwards(transport string) ([]uint16, error) {
	rules, err := h.output("router", "nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd")
	var ports []uint16
	for line := range strings.Lines(rules) {
		var port uint16
		_, rest, found := strings.Cut(line, " dport ")
		if !found || !strings.Contains(line, transport) || !strings.Contains(line, "192.168.77.2:27886") {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d", &port); err == nil {
			ports = append(ports, port)
		}
	}
	return ports, err
}
