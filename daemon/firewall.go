package daemon

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/portowner"
)

// This file asks what the PC's own firewall does with the port, beside the loop and after the mapping
// has had its turn, and judges the answer. A check from outside that came in is proof, and beats what
// was read.

// firewallState is what is known about the firewall, for one port.
type firewallState struct {
	last   Fact[firewall.Report]
	due    time.Time
	asking bool
}

// firewall plans to look at the firewall, never before the mapping has had its turn.
func (p *planner) firewall(i int) {
	f := &p.s.ports[i].firewall
	if !f.asking && p.s.settled() && p.due(f.due, "look at this PC's firewall") {
		p.dec.Do = append(p.dec.Do, Action{Kind: LookFirewall, Port: i})
	}
}

// soon makes the next look come early, because something has happened that it may explain.
func (f *firewallState) soon(now time.Time) {
	if f.last.Asked() {
		f.due = earlier(f.due, later(now, f.last.At.Add(firewallApart)))
	}
}

// startFirewall looks at the firewall, beside the loop: asking it can take a second.
func (d *Daemon) startFirewall(ctx context.Context, i int) {
	s, p := d.state, &d.state.ports[i]
	way, port := s.way(), p.port
	q := firewall.Question{Transport: port.Transport, Port: port.Port, Local: way.Local, Interface: way.Interface, Profile: string(s.category)}
	q.Program = heldBy(p.owners)
	p.firewall.asking = true
	d.job(ctx, func(ctx context.Context) {
		var f Fact[firewall.Report]
		f.Value, f.Err = d.world.Firewall(ctx, q)
		f.At = d.world.Now()
		d.tell(ctx, func() {
			if d.state.way() == way { // else the port's state is a new one
				d.state.learnFirewall(port.Transport, port.Port, f)
			}
		})
	})
}

func (s *state) learnFirewall(transport string, port uint16, f Fact[firewall.Report]) {
	for i := range s.ports {
		if p := &s.ports[i]; p.port.Transport == transport && p.port.Port == port {
			p.firewall = firewallState{last: f, due: f.At.Add(firewallEvery)}
		}
	}
}

// heldBy is the name of the program that holds the port; "" for nobody and for not known.
func heldBy(f Fact[portowner.Owners]) string {
	if !f.Known() || len(f.Value.Port) == 0 {
		return ""
	}
	return f.Value.Port[0].Process
}

// firewallRung says whether the PC lets the port in.
func (p *portState) firewallRung() rung {
	f := p.firewall.last
	r := f.Value
	port := fmt.Sprintf("%s %d", upper(p.port.Transport), p.port.Port)
	switch {
	case p.provenPast(r):
		detail := ""
		if f.Known() && r.State == firewall.Blocks {
			detail = fmt.Sprintf("By its rules %s would not let it in: %s.", r.Firewall, r.Rule)
		}
		return ok(StepFirewall, fmt.Sprintf("%s has come in from outside", port), detail)
	case !f.Asked():
		return unknown(StepFirewall, "Not looked at yet", "")
	case f.Err != nil:
		return unknown(StepFirewall, "The firewall of this PC could not be asked", f.Err.Error())
	case r.State == firewall.Blocks:
		return broken(StepFirewall, FirewallBlocks, fmt.Sprintf("%s does not let %s in", r.Firewall, port), sentence(r.Rule))
	case r.State == firewall.Allows && r.Firewall == "":
		return ok(StepFirewall, fmt.Sprintf("No firewall on this PC is in the way of %s", port), "")
	case r.State == firewall.Allows:
		return ok(StepFirewall, fmt.Sprintf("%s lets %s in", r.Firewall, port), sentence(r.Rule))
	}
	detail := sentence(r.Why)
	if r.Next != "" {
		detail += " To see for yourself: " + r.Next
	}
	return unknown(StepFirewall, fmt.Sprintf("Whether %s lets %s in is not known", cmp.Or(r.Firewall, "this PC's firewall"), port), detail)
}

// provenPast reports whether a packet from outside has come in since the last change. What Portsitter's
// stand-in has answered says nothing about a rule that is made for the game's program.
func (p *portState) provenPast(r firewall.Report) bool {
	last, counts := p.outside()
	return counts && last.answer.Reachable && !(last.standIn && r.ForProgram)
}

// firewalled reports whether the firewall is known to keep the port shut.
func (p *portState) firewalled() bool {
	return p.firewall.last.Known() && p.firewall.last.Value.State == firewall.Blocks
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return "It says: " + s + "."
}

// firewallWords says which firewall is in the way, and how to open it.
func firewallWords(c clues) (headline, next string) {
	next = c.opening
	if len(next) > 5 && next[:5] == "sudo " {
		next = "In a terminal: " + next
	}
	return fmt.Sprintf("The firewall of this PC (%s) does not let %s port %d in", c.firewall, upper(c.transport), c.internal), next
}
