//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// kind is one kind of router, and who is measured with it. The first contender is Portsitter, the
// second one its lower bound.
type kind struct {
	name, title string
	router      []string // options of `lab.sh router start`
	drop        []string // services silenced after that
	delay       []string // of `lab.sh delay`
	lossy       bool
	contenders  []contender
}

// contender is one program with a way to run it. every: it runs in each so many-th round.
type contender struct {
	name  string
	every int
	run   func(*home) (time.Duration, error)
}

func (b *bench) kinds() []kind {
	fresh := contender{"**Portsitter**", 1, b.portsitterFresh}
	known := contender{"**Portsitter**, second start", 1, func(h *home) (time.Duration, error) { return b.portsitter(h, b.dir+"/known") }}
	upnpc, upnpcKnown := b.tool("upnpc", 4, upnpcArgs()...), b.tool("upnpc -u, the address given by hand", 1, upnpcArgs("-u", description)...)
	natpmpc := b.tool("natpmpc", 1, "natpmpc", "-a", "27886", "27886", "udp", "3600")
	geth, goupnp, jackpal := b.peer("geth", 1), b.peer("goupnp", 4), b.peer("jackpal", 1)
	libp2p, syncthing, tailscale := b.peer("libp2p", 4), b.peer("syncthing", 7), b.peer("tailscale", 1)
	gethUPnP := geth
	gethUPnP.every = 4
	byUPnP := []contender{fresh, b.raw("upnp"), upnpc, goupnp, libp2p, syncthing, tailscale, gethUPnP}
	everyone := []contender{fresh, b.raw("pcp"), b.raw("none"), natpmpc, upnpc, goupnp, libp2p, jackpal, syncthing, tailscale, geth}
	return []kind{
		{name: "all", title: "UPnP, NAT-PMP and PCP", contenders: everyone},
		{name: "upnp", title: "only UPnP", router: []string{"natpmp=no"}, contenders: byUPnP},
		{name: "known", title: "only UPnP, router known from the last run", router: []string{"natpmp=no"},
			contenders: []contender{known, b.raw("upnp-known", description), upnpcKnown}},
		{name: "silent", title: "only UPnP; NAT-PMP and PCP dropped silently", drop: []string{"pmp"}, contenders: byUPnP},
		{name: "igd1", title: "only UPnP, IGDv1", router: []string{"natpmp=no", "igd1=yes"}, contenders: byUPnP},
		{name: "pmp", title: "only NAT-PMP and PCP", router: []string{"upnp=no"},
			contenders: []contender{fresh, b.raw("pcp"), natpmpc, libp2p, jackpal, syncthing, tailscale, geth}},
		{name: "delay", title: "everything, 20 ms round trip", delay: []string{"10"}, contenders: everyone},
		{name: "loss", title: "everything, 20 ms round trip, 20 % of the packets lost each way", delay: []string{"10", "20"}, lossy: true, contenders: everyone},
	}
}

// starts measures from the start of the process to the mapped port.
func (b *bench) starts() error {
	fmt.Printf("\n## From the start of the process to the mapped port\n")
	h, err := b.newHome("s")
	if err != nil {
		return err
	}
	defer h.down()
	for _, k := range b.kinds() {
		if len(b.routers) > 0 && !slices.Contains(b.routers, k.name) {
			continue
		}
		if err := b.measure(h, k); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}

// measure lets the contenders of one kind of router take turns.
func (b *bench) measure(h *home, k kind) error {
	if err := h.prepare(k); err != nil {
		return err
	}
	results := make([]times, len(k.contenders))
	for round := range b.rounds + 1 {
		for i := range k.contenders {
			i = (i + round) % len(k.contenders) // nobody is always first
			c := k.contenders[i]
			if c.every > 1 && round%c.every != 1 {
				continue
			}
			took, err := c.run(h)
			if round > 0 { // the first round fills caches
				results[i].add(took, err)
			}
			left, err := h.lab("rules")
			if err != nil {
				return err
			}
			if left != "" { // every run begins with an empty table
				if err := h.prepare(k); err != nil {
					return err
				}
			}
		}
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", k.name, round, b.rounds)
	}
	if len(k.delay) > 0 {
		if _, err := h.lab("delay", "0"); err != nil {
			return err
		}
	}
	b.report(k, results)
	return nil
}

// prepare makes the router be of a kind, with an empty table.
func (h *home) prepare(k kind) error {
	if _, err := h.lab(append([]string{"router", "start"}, k.router...)...); err != nil {
		return err
	}
	if _, err := h.lab(append([]string{"router", "drop", "off"}, k.drop...)...); err != nil {
		return err
	}
	if len(k.delay) > 0 {
		_, err := h.lab(append([]string{"delay"}, k.delay...)...)
		return err
	}
	return nil
}

func (b *bench) report(k kind, results []times) {
	words := ""
	if k.lossy {
		words = "Raw sends each packet once, so it counts where it got through."
	}
	heading("Router: "+k.title, words, "program", "runs", "min / median / max, ms", "x raw", "x Portsitter")
	ours, bound := results[0].median(), results[1].median()
	for i, c := range k.contenders {
		faster := "–"
		if i > 1 && c.name != "raw none" {
			faster = ratio(results[i].median(), ours)
		}
		row(c.name, results[i].runs(), results[i].spread(), ratio(results[i].median(), bound), faster)
	}
	var over []time.Duration
	if !k.lossy && len(results[0].took) == len(results[1].took) {
		for i, t := range results[0].took {
			over = append(over, t-results[1].took[i])
		}
		slices.Sort(over)
	}
	if len(over) > 0 {
		note("Portsitter over %s in the same round, median: %s ms.", k.contenders[1].name, ms(over[len(over)/2]))
	}
	for i, c := range k.contenders {
		if results[i].failed > 0 {
			note("In vain, %s: %s.", strings.Trim(c.name, "*"), strings.TrimSuffix(results[i].why, "."))
		}
	}
}
