//go:build linux

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// trace shows where the time of a start goes: how long the packages take to initialize (GODEBUG
// inittrace), and when each line of the log comes.
func (b *bench) trace() error {
	fmt.Printf("\n## Where the time of a start goes\n")
	h, err := b.newHome("t")
	defer h.down()
	if err != nil {
		return err
	}
	if _, _, err := b.startTraced(h); err != nil { // fills caches
		return err
	}
	lines, start, err := b.startTraced(h)
	if err != nil {
		return err
	}
	type cost struct {
		name string
		ms   float64
	}
	var costs []cost
	all := 0.0
	heading("A start at a router that speaks everything", "Milliseconds from the start of the process to the moment that its log line was read.", "at", "line")
	for _, l := range lines {
		if f := strings.Fields(l.text); len(f) > 4 && f[0] == "init" { // init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs
			clock, err := strconv.ParseFloat(f[4], 64)
			if err == nil {
				all += clock
				costs = append(costs, cost{f[1], clock})
			}
			continue
		}
		row(ms(l.at.Sub(start)), strings.TrimPrefix(l.text, "time="))
	}
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(b.ms, a.ms) })
	heading("Initialization of packages", fmt.Sprintf("%.2f ms for %d packages together; the slowest:", all, len(costs)), "package", "ms")
	for _, c := range costs[:min(len(costs), 8)] {
		row(c.name, c.ms)
	}
	return nil
}

type tracedLine struct {
	at   time.Time
	text string
}

// startTraced starts Portsitter, and collects what it says until half a second after the mapping.
func (b *bench) startTraced(h *home) (lines []tracedLine, start time.Time, err error) {
	config, err := b.writeConfig("trace", settings+"[log]\nlevel = \"debug\"\n")
	if err != nil {
		return nil, start, err
	}
	state, err := os.MkdirTemp(b.dir, "state-")
	if err != nil {
		return nil, start, err
	}
	defer os.RemoveAll(state)
	cmd := exec.Command(filepath.Join(b.bin, "portsitter"), "run", "--config", config, "--state", state, "--page", page)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, start, err
	}
	start = time.Now()
	if err := h.in("lan", cmd.Start); err != nil {
		return nil, start, err
	}
	var ending atomic.Bool
	end := time.AfterFunc(limit, func() {
		ending.Store(true)
		_ = cmd.Process.Signal(syscall.SIGTERM)
	})
	defer end.Stop()
	for s := bufio.NewScanner(stderr); s.Scan(); {
		if ending.Load() {
			continue
		}
		lines = append(lines, tracedLine{time.Now(), s.Text()})
		if strings.Contains(s.Text(), " msg=mapped ") {
			end.Reset(500 * time.Millisecond)
		}
	}
	return lines, start, cmd.Wait()
}
