//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settled is how long a program has been running before growth reads its memory.
const settled = 15 * time.Second

// growth measures what more ports, a long past and many pages cost.
func (b *bench) growth() error {
	fmt.Printf("\n## What grows\n")
	h, err := b.newHome("g")
	defer h.down()
	if err != nil {
		return err
	}
	heading("Configured ports", "Router: everything.", "ports", "start to all mapped, ms", "resident, MB", "private, MB")
	for _, n := range []int{1, 8, 32} {
		var all times
		var last usage
		config, err := b.writeConfig(fmt.Sprintf("ports-%d", n), settings+ports(n))
		if err != nil {
			return err
		}
		for round := range 3 {
			u, took, err := b.grow(h, config, filepath.Join(b.dir, fmt.Sprintf("ports-%d-%d", n, round)), n, 0)
			if err != nil {
				return err
			}
			all.add(took, nil)
			last = u
		}
		row(n, all.spread(), mb(last.rss), mb(last.anon))
	}
	if err := b.growPast(h); err != nil {
		return err
	}
	heading("Open pages", "One port; each page has its stream of events.", "pages", "resident, MB", "private, MB", "processor in "+settled.String())
	for _, n := range []int{0, 1, 32} {
		u, _, err := b.grow(h, b.config, filepath.Join(b.dir, fmt.Sprintf("pages-%d", n)), 1, n)
		if err != nil {
			return err
		}
		row(n, mb(u.rss), mb(u.anon), u.cpu.Round(time.Millisecond))
	}
	return nil
}

// ports writes n ports into the settings.
func ports(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "[[port]]\nname = \"port %d\"\nport = %d\ngame = \"any\"\n", i, 27886+i)
	}
	return text.String()
}

// grow runs Portsitter for a while. The processor time is that after the mapping.
func (b *bench) grow(h *home, config, state string, grants, pages int) (usage, time.Duration, error) {
	cmd, took, err := b.sit(h, config, state, grants)
	if err != nil {
		return usage{}, 0, err
	}
	defer func() { _ = stop(cmd) }()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	for range pages {
		go h.look(ctx)
	}
	before, err := usageOf(cmd.Process.Pid)
	if err != nil {
		return usage{}, 0, err
	}
	time.Sleep(settled)
	u, err := usageOf(cmd.Process.Pid)
	u.cpu -= before.cpu
	return u, took, err
}

// growPast measures starts with nothing written down yet, and with five years, in turns.
func (b *bench) growPast(h *home) error {
	heading("Past", "Five years, in which the port was shut once a day; older lines are dropped by Portsitter itself.",
		"past", "lines", "start to mapped, ms", "resident, MB", "private, MB", "GET /, ms", "GET /api/v1/history, ms")
	pasts := []struct {
		years, lines int
		starts       times
	}{{years: 0}, {years: 5}}
	state := func(years int) string { return filepath.Join(b.dir, fmt.Sprintf("past-%d", years)) }
	for i := range pasts {
		p := &pasts[i]
		var err error
		if p.lines, err = writePast(state(p.years), p.years); err != nil {
			return err
		}
	}
	for range 5 {
		for i := range pasts {
			p := &pasts[i]
			took, err := b.portsitter(h, state(p.years))
			if err != nil {
				return err
			}
			p.starts.add(took, nil)
		}
	}
	for _, p := range pasts {
		cmd, _, err := b.sit(h, b.config, state(p.years), 1)
		if err != nil {
			return err
		}
		time.Sleep(settled)
		u, err := usageOf(cmd.Process.Pid)
		front, past := h.fetch("/"), h.fetch("/api/v1/history")
		if err := errors.Join(err, stop(cmd)); err != nil {
			return err
		}
		row(fmt.Sprintf("%d years", p.years), p.lines, p.starts.spread(), mb(u.rss), mb(u.anon), front, past)
	}
	return nil
}

// maxHistory is where Portsitter starts the next file.
const maxHistory = 1 << 20

// writePast writes a state folder as years of use leave it: a line each quarter of an hour in
// history.jsonl, the older ones in three more files, and what was before those gone.
func writePast(state string, years int) (lines int, err error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return 0, err
	}
	files := []*bytes.Buffer{new(bytes.Buffer)}
	now := time.Now().UTC().Truncate(time.Second)
	n := 0
	for at := now.AddDate(-years, 0, 0); at.Before(now); at = at.Add(15 * time.Minute) {
		e := map[string]any{"at": at, "kind": "alive"}
		switch n++; n % 96 { // once a day it was shut for a quarter of an hour
		case 1:
			e = map[string]any{"at": at, "kind": "verdict", "port": "Kaillera P2P", "code": "no-router-answer", "text": "Kaillera P2P: The router does not answer"}
		case 2:
			e = map[string]any{"at": at, "kind": "verdict", "port": "Kaillera P2P", "code": "ready", "text": "Kaillera P2P: You can host: tell your opponent 11.77.0.2:27886", "shut": 900}
		}
		line, err := json.Marshal(e)
		if err != nil {
			return 0, err
		}
		if files[len(files)-1].Len() > maxHistory {
			files = append(files, new(bytes.Buffer))
		}
		files[len(files)-1].Write(append(line, '\n'))
	}
	slices.Reverse(files)
	for i, f := range files[:min(len(files), 4)] {
		name := "history.jsonl"
		if i > 0 {
			name += fmt.Sprintf(".%d", i)
		}
		lines += bytes.Count(f.Bytes(), []byte("\n"))
		if err := os.WriteFile(filepath.Join(state, name), f.Bytes(), 0o600); err != nil {
			return 0, err
		}
	}
	return lines, nil
}

// fetch is the time that one page takes, the best of ten.
func (h *home) fetch(path string) string {
	client, best := h.client(), time.Duration(0)
	for range 10 {
		start := time.Now()
		resp, err := client.Get("http://" + page + path)
		if err != nil {
			return "none: " + err.Error()
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			return resp.Status
		}
		if took := time.Since(start); best == 0 || took < best {
			best = took
		}
	}
	return ms(best)
}
