package firewall

import (
	"cmp"
	"net/netip"
	"slices"
)

// answer tells whether a rule is about the packet. Maybe stands for whatever is not understood, and
// for what no one can know beforehand, such as a limit on how many packets come in a minute.
type answer uint8

const (
	no answer = iota
	maybe
	yes
)

// both is the answer to two conditions of which each must hold.
func both(a, b answer) answer { return min(a, b) }

func not(a answer) answer { return yes - a }

func truth(b bool) answer {
	if b {
		return yes
	}
	return no
}

// packet is what a Question asks about, in the terms of rules.
type packet struct {
	transport string
	port      uint16
	local     netip.Addr
	device    string
}

// outcome is a set of what may become of a packet.
type outcome uint8

const (
	accepted outcome = 1 << iota
	dropped
	returned // it comes out of a chain at the end
)

// anything is the outcome of what is not understood.
const anything = accepted | dropped

// rule is one rule, judged for one packet.
type rule struct {
	when   answer
	does   outcome // 0: nothing; it goes on
	target string  // chain to jump to, in place of does
	goesTo bool    // it does not come back from target
	text   string
}

// chain is a list of rules. A base chain is one that packets enter by themselves.
type chain struct {
	name   string
	base   bool
	policy outcome // of a base chain
	rules  []rule
}

// ruleset is all that a packet may meet on its way in.
type ruleset map[string]*chain

// verdict is what becomes of the packet, and the first rule that says so.
type verdict struct {
	outcome outcome
	dropBy  string // the first that drops it
	openBy  string // the first that accepts it
	base    string // the base chain that drops it for sure
}

// mostSteps bounds the work on a ruleset; each chain is walked once, so it is hardly ever met.
const mostSteps = 200_000

// judge sends the packet through all base chains. It must be accepted by all of them.
func (rs ruleset) judge() verdict {
	w := walk{rs: rs, done: map[string]verdict{}, open: map[string]bool{}}
	all := verdict{outcome: accepted}
	names := make([]string, 0, len(rs))
	for name, c := range rs {
		if c.base {
			names = append(names, name)
		}
	}
	slices.Sort(names) // the same words each time
	for _, name := range names {
		v := w.chain(name, 0)
		if v.outcome == dropped {
			v.base = name
			return v
		}
		all.outcome |= v.outcome & anything
		all.dropBy, all.openBy = cmp.Or(all.dropBy, v.dropBy), cmp.Or(all.openBy, v.openBy)
	}
	return all
}

// walk remembers what chains come to, so that each is walked once.
type walk struct {
	rs    ruleset
	done  map[string]verdict
	open  map[string]bool // being walked: a loop, which no kernel accepts
	steps int
}

func (w *walk) chain(name string, depth int) verdict {
	c := w.rs[name]
	if v, ok := w.done[name]; ok {
		return v
	}
	if c == nil || depth > 32 || w.open[name] {
		return verdict{outcome: anything | returned}
	}
	w.open[name] = true
	v := w.rules(c, depth)
	delete(w.open, name)
	w.done[name] = v
	return v
}

func (w *walk) rules(c *chain, depth int) (v verdict) {
	for _, r := range c.rules {
		if w.steps++; w.steps > mostSteps {
			return verdict{outcome: anything | returned}
		}
		if r.when == no || r.does == 0 && r.target == "" {
			continue
		}
		came, goesOn := verdict{outcome: r.does, dropBy: r.text, openBy: r.text}, r.when == maybe
		if r.target != "" {
			came = w.chain(r.target, depth+1)
			if !r.goesTo && came.outcome&returned != 0 { // it comes back to this chain
				came.outcome &^= returned
				goesOn = true
			}
		}
		if v.add(came); !goesOn {
			return c.end(v)
		}
	}
	v.outcome |= returned
	return c.end(v)
}

// add notes one more thing that may become of the packet.
func (v *verdict) add(more verdict) {
	v.outcome |= more.outcome
	if more.outcome&dropped != 0 {
		v.dropBy = cmp.Or(v.dropBy, more.dropBy)
	}
	if more.outcome&accepted != 0 {
		v.openBy = cmp.Or(v.openBy, more.openBy)
	}
}

// end is what becomes of a packet that leaves a chain: at the end of a base chain waits its policy.
func (c *chain) end(v verdict) verdict {
	if !c.base || v.outcome&returned == 0 {
		return v
	}
	v.outcome = v.outcome&^returned | c.policy
	if c.policy == dropped {
		v.dropBy = cmp.Or(v.dropBy, c.name+", policy drop")
	}
	return v
}
