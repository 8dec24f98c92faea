package kaillera

import (
	"net/netip"
	"slices"
	"time"
)

// Bounds of a responder.
const (
	maxVisitors      = 64   // the one not heard of for the longest time is forgotten
	maxAnswersEach   = 64   // for one visitor; a whole check needs 12
	maxAnswersSecond = 1000 // for all of them
)

// Check says what somebody wanted. Later ones tell more and replace earlier ones.
type Check int

// What visitors want.
const (
	CheckNone   Check = iota
	CheckPing         // PINGRQ
	CheckToken        // a token of Probe with AskToken
	CheckLook         // a request with an EXIT: a Probe
	CheckJoin         // a request: Smash64's checker, or a player of whom no more was heard
	CheckPlayer       // a player's own client
)

// String names the check.
func (c Check) String() string {
	switch c {
	case CheckPing:
		return "ping"
	case CheckToken:
		return "token"
	case CheckLook:
		return "look"
	case CheckJoin:
		return "join"
	case CheckPlayer:
		return "player"
	}
	return "none"
}

// Visitor is somebody who came during a stand-in.
type Visitor struct {
	From    netip.AddrPort
	Check   Check
	Packets int
	// Heard: it reacted to an answer, so that both directions work.
	Heard bool
}

// Report is what a stand-in has seen.
type Report struct {
	Visitors  []Visitor // at most 64, in the order of their arrival
	Players   int       // how many of them are players
	Strangers int       // packets that belong to no check: other programs, scanners, leftover peers
	Answers   int       // packets sent
}

// visitor is a Visitor and what has to be kept to answer it.
type visitor struct {
	Visitor
	last     uint8 // its newest serial
	asked    bool  // it has sent a request since its last EXIT
	got      int   // bytes
	given    int   // bytes
	answers  int
	arrived  int // its place in the order of arrival
	lastSeen time.Time
}

// responder decides what a stand-in answers. It does no I/O.
type responder struct {
	accept   []byte
	farewell []byte
	visitors map[netip.AddrPort]*visitor
	arrivals int

	second    time.Time // since when inSecond counts
	inSecond  int
	answers   int
	strangers int
}

func newResponder() *responder {
	r := &responder{visitors: map[netip.AddrPort]*visitor{}}
	r.accept = mustEncode(0, Accept(StandInNick, StandInGame))
	// Serial 0 was the accept; it is not repeated because the player could only confirm what he got.
	r.farewell = mustEncode(2, Exit(), Chat(0, standInWords))
	return r
}

// mustEncode is for datagrams that are known to fit.
func mustEncode(serial uint8, in ...Instruction) []byte {
	b, err := Datagram{Serial: serial, Instructions: in}.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// reply tells what to send back for a datagram, nil for nothing.
func (r *responder) reply(b []byte, from netip.AddrPort, now time.Time) []byte {
	switch SortRaw(b) {
	case RawPing:
		return r.give(r.note(from, CheckPing, b, now), []byte(pingAnswer), now)
	case RawTokenQuestion:
		return r.give(r.note(from, CheckToken, b, now), TokenAnswer(TokenOf(b)), now)
	case NotRaw:
		if d, err := Decode(b); err == nil {
			return r.converse(d, b, from, now)
		}
		// A player with G3. How to send him away is not known, so he gets no answer at all.
		if f, err := DecodeFramed(b); err == nil {
			if _, ok := f.Request(); ok {
				r.note(from, CheckPlayer, b, now)
				return nil
			}
		}
	}
	r.strangers++
	return nil
}

// converse answers instructions: a request with the accept; what Smash64's checker sends behind it,
// a confirmation and a chat for whose answers it waits, with a single byte that every client
// ignores; and the pings of a player, which no checker sends, with the farewell.
func (r *responder) converse(d Datagram, b []byte, from netip.AddrPort, now time.Time) []byte {
	last, asked := fresh, false
	if v := r.visitors[from]; v != nil {
		last, asked = v.last, v.asked
	}
	news, ok := d.After(last)
	if ok && len(news) == 0 {
		news = d.Instructions[:1] // said again because our answer got lost
	}
	_, request := find(news, KindRequest)
	if !ok || !request && !asked {
		r.strangers++
		return nil
	}
	check, answer := CheckJoin, []byte(nothing)
	switch _, ping := find(news, KindPing); {
	case news[0].Kind == KindExit && request:
		check, answer = CheckLook, r.accept
	case news[0].Kind == KindExit:
		answer = nil
	case ping:
		check, answer = CheckPlayer, r.farewell
	case request:
		answer = r.accept
	}
	v := r.note(from, check, b, now)
	v.last, v.asked = d.Serial, true
	v.Heard = v.Heard || !request
	if news[0].Kind == KindExit { // a host forgets him, and so do we
		v.last, v.asked = fresh, false
	}
	return r.give(v, answer, now)
}

// note writes down who came and what for.
func (r *responder) note(from netip.AddrPort, c Check, b []byte, now time.Time) *visitor {
	v := r.visitors[from]
	if v == nil {
		if len(r.visitors) == maxVisitors {
			r.forgetOldest()
		}
		r.arrivals++
		v = &visitor{Visitor: Visitor{From: from}, last: fresh, arrived: r.arrivals}
		r.visitors[from] = v
	}
	v.Check = max(v.Check, c)
	v.Packets++
	v.got += len(b)
	v.lastSeen = now
	return v
}

func (r *responder) forgetOldest() {
	var oldest *visitor
	for _, v := range r.visitors {
		if oldest == nil || v.lastSeen.Before(oldest.lastSeen) {
			oldest = v
		}
	}
	delete(r.visitors, oldest.From)
}

// give lets an answer pass if the bounds allow it.
func (r *responder) give(v *visitor, answer []byte, now time.Time) []byte {
	if now.Sub(r.second) >= time.Second {
		r.second, r.inSecond = now, 0
	}
	if answer == nil || v.answers == maxAnswersEach || r.inSecond == maxAnswersSecond ||
		v.given+len(answer) > v.got+v.got/2 {
		return nil
	}
	v.answers++
	v.given += len(answer)
	r.inSecond++
	r.answers++
	return answer
}

func (r *responder) report() Report {
	rep := Report{Strangers: r.strangers, Answers: r.answers}
	all := make([]*visitor, 0, len(r.visitors))
	for _, v := range r.visitors {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *visitor) int { return a.arrived - b.arrived })
	for _, v := range all {
		rep.Visitors = append(rep.Visitors, v.Visitor)
		if v.Check == CheckPlayer {
			rep.Players++
		}
	}
	return rep
}
