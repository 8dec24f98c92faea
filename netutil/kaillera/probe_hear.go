package kaillera

import "time"

// hear takes in one datagram. It is from the host's own address, because the socket is connected;
// what is in it may be anything.
func (p *probe) hear(b []byte) {
	if p.ask == AskToken {
		if SortRaw(b) == RawTokenAnswer && TokenOf(b) == p.token {
			p.answered(p.askedAt)
			p.done = true
		}
		return
	}
	if len(b) > 0 && b[0] == 0 {
		if SortRaw(b) == RawPong {
			p.hearPong()
		}
		return
	}
	if d, err := Decode(b); err == nil {
		p.hearInstructions(d)
		return
	}
	if f, err := DecodeFramed(b); err == nil {
		p.answered(p.askedAt)
		p.res.Generation = G3
		if in, ok := f.Answer(); ok {
			p.accept(in)
		}
		p.done = true
	}
}

// hearPong ends the probe unless the host is to be asked more; that is then done at once.
func (p *probe) hearPong() {
	if p.ponged {
		return
	}
	p.ponged = true
	p.answered(p.askedAt)
	p.res.Generation = G2OrG3
	p.question = nil
	p.done = p.ask != AskJoin
	if p.looks == 0 {
		p.lookNow()
	}
}

// hearInstructions takes any datagram of a host for an answer to a Look: a host sends none before it
// has taken a request. An accept of an earlier Look than the latest is as good; the one still under
// way makes the host close and open its port once more, and no harm.
func (p *probe) hearInstructions(d Datagram) {
	if p.looks == 0 {
		return // never asked: not for us
	}
	p.answered(p.lookAt)
	p.res.Generation = G1
	if p.ponged {
		p.res.Generation = G2
	}
	if in, ok := find(d.Instructions, KindAccept); ok {
		p.accept(in)
		p.done = true
		return
	}
	if _, no := find(d.Instructions, KindReject); no {
		p.done = true
		return
	}
	// The alert that the emulators differ: the accept is right behind it, if it does not get lost.
	p.res.Accepted = true
	p.end = min(p.end, p.now()+lingerParts*p.part)
	p.stop()
}

// answered notes the first answer; asked is when what it answers was last asked.
func (p *probe) answered(asked time.Duration) {
	if !p.res.Answered {
		p.res.Answered = true
		p.res.RTT = p.now() - asked
	}
}

func (p *probe) accept(in Instruction) {
	p.res.Accepted = in.Kind == KindAccept
	if nick, game, ok := in.Names(); ok {
		p.res.Nick, p.res.Game = Text(nick), Text(game)
	}
}
