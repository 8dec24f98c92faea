//go:build linux

// Bench measures in the router lab what Portsitter costs and how fast it is, side by side with the
// least that it can take (raw), with the libraries and keepers that other programs use (peers), and
// with the tools of miniupnpc and libnatpmp. scripts/bench starts it. It prints Markdown.
//
// Contenders take turns, so that a busy moment of the machine hits all of them.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.bin, "bin", "", "directory of the built programs")
	flag.StringVar(&b.script, "lab", "", "lab.sh")
	flag.StringVar(&b.prefix, "prefix", "bench", "first part of the names of the labs")
	flag.IntVar(&b.rounds, "n", 20, "rounds of part start; programs that wait out a fixed time run in some only")
	flag.IntVar(&b.races, "races", 3, "rounds of part recover")
	flag.DurationVar(&b.cutoff, "cutoff", 3*time.Minute, "when part recover gives up on a keeper")
	flag.DurationVar(&b.rest, "rest", 10*time.Minute, "how long part idle watches")
	parts := flag.String("parts", "start,recover,idle,grow,trace", "what to measure")
	routers := flag.String("routers", "", "kinds of router for part start (default: all)")
	flag.Parse()
	b.routers = fields(*routers)
	if err := b.run(fields(*parts)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

type bench struct {
	bin, script, prefix string
	rounds, races       int
	cutoff, rest        time.Duration
	routers             []string
	dir                 string // scratch
	config              string // of Portsitter
}

func (b *bench) run(parts []string) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "portsitter-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.config, err = b.writeConfig("one", settings); err != nil {
		return err
	}
	known := map[string]func() error{
		"start": b.starts, "recover": b.recoveries, "idle": b.atRest, "grow": b.growth, "trace": b.trace,
	}
	for _, p := range parts {
		do, ok := known[p]
		if !ok {
			return fmt.Errorf("there is no part %q: start, recover, idle, grow or trace", p)
		}
		if err := do(); err != nil {
			return fmt.Errorf("part %s: %w", p, err)
		}
	}
	return nil
}
