package daemon

import (
	"time"

	"github.com/portsitter/portsitter/netutil/portowner"
)

// This file plans and judges the checks from outside, and looks at who holds the port; check.go runs
// them.

// owner plans to look who holds the port on this PC, never before the mapping has had its turn.
func (p *planner) owner(i int) {
	port := &p.s.ports[i]
	if p.s.settled() && p.due(port.ownersDue, "see who is hosting") {
		p.dec.Look.Owners = append(p.dec.Look.Owners, i)
	}
}

// check plans the checks that nobody asks for: after a change, and once a day; only with the
// stand-in, and only for Kaillera, whose checkers need it.
func (p *planner) check(i int) {
	port := &p.s.ports[i]
	c, set := &port.check, p.s.settings.Checker
	if e, still := p.s.lingering(port); still && !e.Expires.IsZero() {
		p.due(e.Expires, "the lease of the router's entry ends")
	}
	if c.running || len(set.URLs) == 0 || !p.s.settled() || port.hosted() || p.s.offline() {
		return
	}
	if p.repairs(i) {
		return
	}
	if c.recheck {
		p.dec.Do = append(p.dec.Do, Action{Kind: CheckOutside, Port: i})
		return
	}
	if !set.Automatic || !set.StandIn || port.port.Game != "kaillera" || port.port.Transport != "udp" {
		return
	}
	at := later(port.changed, p.s.memory.nextCheck())
	if port.mapping == nil { // what comes in just after the end of a lease says nothing about tomorrow
		at = later(at, port.leaseEnded.Add(leaseGrace))
	}
	if c.last.Asked() {
		at = later(at, c.last.At.Add(checkEvery))
	}
	if last, counts := port.outside(); counts && last.answer.Reachable {
		at = later(at, c.last.At.Add(checkAgain))
	} else if counts {
		at = later(at, c.last.At.Add(checkFailed))
	}
	if p.due(at, "check from outside") {
		p.dec.Do = append(p.dec.Do, Action{Kind: CheckOutside, Port: i})
	}
}

// repairs plans to make an entry anew that a check with the stand-in has shown to be dead.
func (p *planner) repairs(i int) bool {
	if !p.s.ports[i].wantsRepair(p.now) {
		return false
	}
	p.dec.Do = append(p.dec.Do, Action{Kind: Repair, Port: i})
	return true
}

// wantsRepair reports whether the router lists our entry, and a check that the stand-in would have
// answered did not come through: worth making the entry anew once, but never under a game.
func (p *portState) wantsRepair(now time.Time) bool {
	last, counts := p.outside()
	return counts && !last.answer.Reachable && last.standIn && !last.repair && last.visits == 0 && !p.firewalled() &&
		p.mapping != nil && !p.hosted() &&
		(p.check.repaired.IsZero() || now.Sub(p.check.repaired) >= repairEvery)
}

// checking reports whether a check is under way, the repair and the second look included.
func (p *portState) checking(now time.Time) bool {
	return p.check.running || p.check.recheck && !p.hosted() || p.wantsRepair(now)
}

// repairing reports whether an entry that let nothing in is being made anew, or was and is not proven
// yet: the port is not to be called open meanwhile.
func (p *portState) repairing(now time.Time) bool {
	return p.check.recheck && !p.hosted() || p.check.running && p.check.again || p.wantsRepair(now)
}

// hosted reports whether a program holds the port, or nobody knows: both forbid a check that nobody
// asked for.
func (p *portState) hosted() bool {
	return !p.owners.Known() || len(p.owners.Value.Port) > 0
}

// outside is the last check, if it was an answer and nothing has changed since.
func (p *portState) outside() (checkResult, bool) {
	f := p.check.last
	// What came in through our mapping says nothing once that is gone.
	return f.Value, f.Known() && !f.At.Before(p.changed) && (!f.Value.mapped || p.mapping != nil)
}

// learnOwners takes a look at who holds the port. What is our own stand-in is nobody.
func (s *state) learnOwners(i int, f Fact[portowner.Owners]) {
	p := &s.ports[i]
	var others []portowner.Holder
	for _, h := range f.Value.Port {
		if !h.Self {
			others = append(others, h)
		}
	}
	f.Value.Port = others
	if heldBy(f) != heldBy(p.owners) { // rules may be about programs
		p.firewall.soon(f.At)
	}
	p.owners, p.ownersDue = f, f.At.Add(ownerEvery)
	if p.hosted() {
		p.check.recheck = false // the second look of a repair is a check that nobody asked for
	}
}

// learnCheck takes what a check came to.
func (s *state) learnCheck(id uint64, f Fact[checkResult]) {
	i := s.portOfCheck(id)
	if i < 0 {
		return
	}
	p := &s.ports[i]
	f.Value.mapped = f.Value.mapped || p.mapping != nil
	f.Value.asked = p.check.asked // perhaps only while it ran
	if a := f.Value.answer.Address.Addr(); f.Known() && a.IsValid() && a != s.seenAddr() {
		s.public.httpDue, s.public.stunDue = f.At, f.At // the checker sees us under another address than we thought
	}
	if knocked := f.Value.knocked; !knocked.IsZero() && p.changed.After(knocked) {
		f.At = knocked // before the change, perhaps
	}
	p.check.running, p.check.last = false, f
	if f.Known() && !f.Value.answer.Reachable {
		p.firewall.soon(f.At)
	}
	p.tally.checked(f)
	p.ownersDue = time.Time{}
}

// holderWords names who holds the port.
func (p *portState) holderWords() string {
	if p.owners.Known() && len(p.owners.Value.Port) > 0 {
		return p.owners.Value.Port[0].String()
	}
	return "a program"
}
