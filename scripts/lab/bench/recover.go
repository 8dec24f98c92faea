//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// keeper is a program that keeps the port open for as long as it runs.
type keeper struct {
	title     string
	command   func(b *bench, dir string) ([]string, error)
	transport string
}

func (b *bench) keepers() []keeper {
	keeps := func(name string) keeper {
		return keeper{b.peerTitle(name), func(b *bench, _ string) ([]string, error) {
			return []string{filepath.Join(b.bin, "peer-"+name), "keep"}, b.built(name)
		}, udp}
	}
	sitter := keeper{"**Portsitter**", func(b *bench, dir string) ([]string, error) {
		return []string{filepath.Join(b.bin, "portsitter"), "run", "--config", b.config, "--state", dir, "--page", page}, nil
	}, udp}
	syncthing := keeps("syncthing")
	syncthing.transport = tcp // lib/nat maps TCP, whatever it is asked for
	return []keeper{sitter, keeps("libp2p"), keeps("tailscale"), keeps("geth"), syncthing}
}

// recoveries measures how long the port stays shut once a rebooted router is back. Every keeper has a
// lab of its own; they run at the same time, since it is about seconds.
func (b *bench) recoveries() error {
	fmt.Printf("\n## A router that has rebooted: when is the port open again?\n")
	for _, c := range []struct {
		name, title string
		deaf        bool
	}{
		{"a", "The router's announcements are heard", false},
		{"d", "The announcements do not reach the PC", true},
	} {
		keepers := b.keepers()
		results, errs := make([]times, len(keepers)), make([]error, len(keepers))
		var all sync.WaitGroup
		for i, k := range keepers {
			all.Go(func() {
				results[i], errs[i] = b.raceAll(k, c.name+strconv.Itoa(i), c.deaf)
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		heading(c.title, fmt.Sprintf("Seconds from the moment the router's LAN side is back, its mapping daemon's start included, until a packet from the "+
			"internet arrives (one each %v); given up after %v.", every, b.cutoff), "keeper", "runs", "min / median / max, s")
		for i, k := range keepers {
			row(k.title, results[i].runs(), results[i].seconds())
		}
		for i, k := range keepers {
			if results[i].failed > 0 {
				note("%s: %s.", k.title, results[i].why)
			}
		}
	}
	return nil
}

// raceAll lets one keeper's router reboot some times.
func (b *bench) raceAll(k keeper, name string, deaf bool) (times, error) {
	var t times
	h, err := b.newHome(name)
	if err != nil {
		h.down()
		return t, err
	}
	defer h.down()
	if deaf {
		const drop = `table inet deaf { chain in { type filter hook input priority 0; ip daddr { 224.0.0.1, 239.255.255.250 } udp dport { 5350, 1900 } drop; }; }`
		if err := h.nft("lan", drop); err != nil {
			return t, err
		}
	}
	for round := range b.races {
		if _, err := h.lab("router", "start"); err != nil {
			return t, err
		}
		took, err := b.race(h, k, round)
		t.add(took, err)
		fmt.Fprintf(os.Stderr, "recover: %s round %d: %v %v\n", k.title, round+1, took.Round(time.Millisecond), err)
	}
	return t, nil
}

// downFor is how long the router is away.
const downFor = 5 * time.Second

// race starts the keeper, waits until its port is open, reboots the router, and waits again.
func (b *bench) race(h *home, k keeper, round int) (time.Duration, error) {
	state, err := os.MkdirTemp(b.dir, "state-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(state)
	command, err := k.command(b, state)
	if err != nil {
		return 0, err
	}
	g, err := h.newGate(k.transport)
	if err != nil {
		return 0, err
	}
	defer g.close()
	cmd, err := h.startIn("lan", command)
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if _, open := g.openAfter(time.Unix(0, 0), time.Now().Add(time.Minute)); !open {
		return 0, errors.New("it did not open the port within a minute")
	}
	// So that epochs have grown, and the rounds meet other moments between two looks, 20 s apart with
	// most keepers.
	time.Sleep(12*time.Second + 20*time.Second*time.Duration(2*round+1)/time.Duration(2*b.races))
	begun := time.Now()
	if _, err := h.lab("router", "reboot", strconv.Itoa(int(downFor.Seconds()))); err != nil {
		return 0, err
	}
	back := begun.Add(downFor)
	at, open := g.openAfter(back.Add(-downFor/2), back.Add(b.cutoff))
	if !open {
		return 0, fmt.Errorf("not open after %v", b.cutoff)
	}
	return max(at.Sub(back), 0), nil
}

// startIn starts a program in one of the home's namespaces.
func (h *home) startIn(space string, command []string) (cmd *exec.Cmd, err error) {
	cmd = exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	return cmd, h.in(space, cmd.Start)
}

// seconds is "min / median / max".
func (t *times) seconds() string {
	if len(t.took) == 0 {
		return "–"
	}
	least, most := t.took[0], t.took[0]
	for _, d := range t.took {
		least, most = min(least, d), max(most, d)
	}
	return fmt.Sprintf("%.2f / **%.2f** / %.2f", least.Seconds(), t.median().Seconds(), most.Seconds())
}
