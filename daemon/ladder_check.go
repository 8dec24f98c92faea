package daemon

import (
	"fmt"
	"time"
)

// openAnyway takes note of a check that passed: whatever the router said, the port is open. What is
// broken above was then done by other means: an entry of ours from before, or, most likely, a forward
// made in the router's menu.
func openAnyway(rungs []rung, means string) {
	for i, r := range rungs {
		if (r.ID == StepRouter || r.ID == StepInternet || r.ID == StepMapping) && r.State != StepOK {
			rungs[i] = skipped(r.ID, means+", as the check from outside has shown")
			rungs[i].Detail = r.Summary
		}
	}
}

// gameRung says who holds the port on this PC. Nobody is no fault: the stand-in answers checks.
func (p *portState) gameRung() rung {
	f := p.owners
	switch {
	case !f.Asked():
		return unknown(StepGame, "Not looked at yet", "")
	case f.Err != nil && len(f.Value.Port) == 0:
		return unknown(StepGame, "It could not be found out who holds the port", f.Err.Error())
	case len(f.Value.Port) > 0 && f.Value.Port[0].Hidden():
		return unknown(StepGame, fmt.Sprintf("A program holds port %d; the system does not tell which", p.port.Port), "")
	case len(f.Value.Port) > 0:
		return ok(StepGame, fmt.Sprintf("%s holds port %d", f.Value.Port[0], p.port.Port), "")
	case len(f.Value.Elsewhere) > 0:
		e := f.Value.Elsewhere[0]
		return broken(StepGame, HostingElsewhere, fmt.Sprintf("%s is hosting on port %d", e.Process, e.Addr.Port()), "")
	}
	return skipped(StepGame, "Nobody is hosting now")
}

// outsideRung says what the last check from outside came to.
func (s *state) outsideRung(p *portState, now time.Time) rung {
	c := &p.check
	last, counts := p.outside()
	switch {
	case c.running && counts && !last.answer.Reachable: // true until the answer is here
		return broken(StepOutside, p.whyUnreachable(), last.unreachableWords()+"; checking again: "+c.words, p.checkWords())
	case c.running:
		return unknown(StepOutside, "Checking from outside: "+c.words, "")
	case c.recheck || p.wantsRepair(now):
		return unknown(StepOutside, "The check did not come in: making the router's entry anew, then checking once more", "")
	case c.last.Err != nil && !c.last.At.Before(p.changed):
		return unknown(StepOutside, "The check could not be made", c.last.Err.Error())
	case !counts && p.port.Transport == "tcp":
		return skipped(StepOutside, "TCP ports are opened, but not checked from outside")
	case !counts && len(s.settings.Checker.URLs) == 0:
		return skipped(StepOutside, "Checks are switched off in the settings")
	case !counts:
		return skipped(StepOutside, "Not checked since the last change")
	case last.answer.Reachable:
		return ok(StepOutside, fmt.Sprintf("Reached from outside, answered by %s", last.answeredBy()), p.checkWords())
	}
	return broken(StepOutside, p.whyUnreachable(), last.unreachableWords(), p.checkWords())
}

// cameIn reports whether the stand-in has seen the packets of a check that did not pass: then the way in
// works, and it was the answer that got lost.
func (r checkResult) cameIn() bool { return r.standIn && !r.answer.Reachable && r.visits > 0 }

func (r checkResult) unreachableWords() string {
	if r.cameIn() {
		return "The check came in, but the answer to it got lost"
	}
	return "Not reached from outside"
}

func (r checkResult) answeredBy() string {
	if r.standIn {
		return "Portsitter's stand-in"
	}
	return "the game"
}

// whyUnreachable is the code of a check that did not come through.
func (p *portState) whyUnreachable() Code {
	last := p.check.last.Value
	switch {
	case !last.standIn:
		return HostStuck
	case p.mapping != nil && last.visits == 0:
		return NotForwarding
	}
	return NobodyAnswers
}

// checkWords tells the last check in a sentence.
func (p *portState) checkWords() string {
	f := p.check.last
	switch {
	case !f.Asked():
		return ""
	case f.Err != nil:
		return f.Err.Error()
	}
	r := f.Value
	words := fmt.Sprintf("Asked %s, %s", r.answer.Checker, plural(r.tries, "try", "tries"))
	if r.answer.User != "" || r.answer.Game != "" {
		words += fmt.Sprintf("; it met %q with %q", r.answer.User, r.answer.Game)
	}
	if r.cameIn() {
		words += "; its packets did come in, but the answer did not reach it"
	}
	if r.repair {
		words += "; the router's entry had been made anew before"
	}
	return words + "."
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// gameStatus and outsideStatus put the two rungs into the words of the contract.
func (p *portState) gameStatus() *Game {
	if !p.owners.Known() {
		return nil
	}
	g := &Game{Listening: len(p.owners.Value.Port) > 0}
	if g.Listening {
		h := p.owners.Value.Port[0]
		g.PID, g.Process = h.PID, h.Process
	}
	return g
}

func (p *portState) outsideStatus(now time.Time) *Outside {
	c := &p.check
	o := &Outside{ID: c.id, State: "not-checked"}
	if p.checking(now) {
		begun := c.begun.UTC()
		o.State, o.Detail, o.Since, o.Checker = "checking", c.words, &begun, c.checker
		if !c.running {
			o.Detail = "making the router's entry anew"
		}
		return o
	}
	if !c.last.Asked() {
		return o
	}
	at := c.last.At.UTC()
	o.At, o.Detail = &at, p.checkWords()
	last, counts := p.outside()
	switch {
	case c.last.Err != nil:
		o.State = "checker-failed"
	case !counts:
		o.Detail = "Before the last change: " + o.Detail
	case last.answer.Reachable:
		o.State, o.AnsweredBy, o.Checker = "reachable", "game", last.answer.Checker
		if last.standIn {
			o.AnsweredBy = "stand-in"
		}
	default:
		o.State, o.Checker, o.CameIn = "unreachable", last.answer.Checker, last.cameIn()
	}
	return o
}
