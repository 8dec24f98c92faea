//go:build linux

// Bench measures in the router lab how long it takes from the start of the process to the mapped
// port, side by side with the least that it can take and with the programs of libnatpmp and
// miniupnpc; and what the program needs when it has nothing to do. scripts/bench starts it, inside
// the lab's namespace "lan".
//
// The contenders take turns, so that a busy moment of the machine hits all of them; each one cleans
// up after itself, so that every run begins with an empty table in the router.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.bin, "bin", "", "directory of the built programs portsitter and raw")
	flag.StringVar(&b.script, "lab", "", "lab.sh")
	flag.IntVar(&b.rounds, "n", 20, "rounds; programs that wait out a fixed time run in every tenth only")
	only := flag.String("variants", "", "names, separated by commas (default: all)")
	idle := flag.Duration("idle", 30*time.Second, "how long to rest before memory is read; 0: do not")
	flag.Parse()
	if err := b.run(*only, *idle); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	bin, script string
	rounds      int
	dir         string // scratch
	config      string
}

// variant is one kind of router, and who is measured with it. The first contender is the program,
// the second one its lower bound.
type variant struct {
	name, title string
	router      []string // options of `lab.sh router start`
	drop        []string // services silenced after that
	contenders  []contender
}

// contender is one program with a way to run it.
type contender struct {
	name string
	slow bool
	run  func() (time.Duration, error)
}

const description = "http://192.168.77.1:5000/rootDesc.xml"

func (b *bench) variants() []variant {
	fresh := contender{"portsitter", false, b.portsitterFresh}
	known := contender{"portsitter, second start", false, func() (time.Duration, error) {
		return b.portsitter(filepath.Join(b.dir, "known"))
	}}
	natpmpc := contender{"natpmpc", false, func() (time.Duration, error) {
		took, err := toExit("Mapped public port 27886", "natpmpc", "-a", "27886", "27886", "udp", "3600")
		return took, errors.Join(err, exec.Command("natpmpc", "-a", "0", "27886", "udp", "0").Run())
	}}
	upnpc := contender{"upnpc", true, upnpcRun()}
	upnpcKnown := contender{"upnpc -u", false, upnpcRun("-u", description)}
	none := b.raw("none")
	return []variant{
		{"all", "UPnP, NAT-PMP and PCP", nil, nil, []contender{fresh, b.raw("pcp"), none, natpmpc, upnpc}},
		{"pmp", "only NAT-PMP and PCP", []string{"upnp=no"}, nil, []contender{fresh, b.raw("pcp"), b.raw("pmp"), natpmpc}},
		{"upnp", "only UPnP", []string{"natpmp=no"}, nil, []contender{fresh, b.raw("upnp"), upnpc}},
		{"silent", "only UPnP, NAT-PMP and PCP silent", nil, []string{"pmp"}, []contender{fresh, b.raw("upnp"), upnpc}},
		{"known", "only UPnP, router known from the last run", []string{"natpmp=no"}, nil, []contender{known, b.raw("upnp-known", description), upnpcKnown}},
	}
}

func (b *bench) run(only string, idle time.Duration) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "portsitter-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.writeConfig(); err != nil {
		return err
	}
	for _, v := range b.variants() {
		if only != "" && !slices.Contains(strings.Split(only, ","), v.name) {
			continue
		}
		if err := b.measure(v); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	if idle == 0 {
		return nil
	}
	if _, err := b.lab("router", "start"); err != nil {
		return err
	}
	return b.atRest(idle)
}

// measure lets the contenders of one variant take turns, and prints their times.
func (b *bench) measure(v variant) error {
	if _, err := b.lab(append([]string{"router", "start"}, v.router...)...); err != nil {
		return err
	}
	if _, err := b.lab(append([]string{"router", "drop", "off"}, v.drop...)...); err != nil {
		return err
	}
	times := make([][]time.Duration, len(v.contenders))
	for round := range b.rounds + 1 {
		for i := range v.contenders {
			i = (i + round) % len(v.contenders) // nobody is always first
			c := v.contenders[i]
			if c.slow && round%10 != 1 {
				continue
			}
			took, err := c.run()
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if left, err := b.lab("rules"); err != nil {
				return err
			} else if left != "" {
				return fmt.Errorf("%s left behind: %s", c.name, left)
			}
			if round > 0 { // the first round fills caches
				times[i] = append(times[i], took)
			}
		}
	}
	report(v, times)
	return nil
}

func report(v variant, times [][]time.Duration) {
	fmt.Printf("\n%s\n\n| program | n | min / median / max ms |\n|---|---|---|\n", v.title)
	for i, c := range v.contenders {
		t := slices.Sorted(slices.Values(times[i]))
		fmt.Printf("| %s | %d | %.2f / %.2f / %.2f |\n", c.name, len(t), ms(t[0]), ms(t[len(t)/2]), ms(t[len(t)-1]))
	}
	var over []time.Duration
	for i, t := range times[0] {
		over = append(over, t-times[1][i])
	}
	slices.Sort(over)
	fmt.Printf("\n%s over %s in the same round, median: %.2f ms\n", v.contenders[0].name, v.contenders[1].name, ms(over[len(over)/2]))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// lab calls lab.sh and returns what it printed; which lab it is comes from the environment.
func (b *bench) lab(args ...string) (string, error) {
	out, err := exec.Command(b.script, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("lab.sh %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}
