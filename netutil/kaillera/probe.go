package kaillera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Ask says how far a probe may go.
type Ask int

// The ways to ask. Only AskLeast and AskJoin may send a Look.
const (
	// AskLeast sends PINGRQ, and a Look when that stays unanswered: the least that finds every
	// generation.
	AskLeast Ask = iota
	// AskPing sends PINGRQ alone: nothing is visible for the host's user, G1 stays silent.
	AskPing
	// AskJoin sends PINGRQ and a Look: it also learns names and whether the host takes a player.
	AskJoin
	// AskToken sends a token alone: for a stand-in on the port of another game.
	AskToken
)

// DefaultBudget is how long a probe lasts at most. It is divided into 24 parts: with 6 s, PINGRQ
// leaves at 0, 0.25, 0.5, 1.5, 2.5, 3.5 and 4.5 s, from 0.5 s on with a Look right behind it.
//
// Five Looks: where each direction loses a tenth of all packets a try fails with 19 %, and all five
// do once in 4000 checks. A second between them: a host that took a Look closes its port for some
// milliseconds, and a repeat that meets this gap would be lost, or refused. That is also why PINGRQ
// goes first.
const DefaultBudget = 6 * time.Second

const budgetParts = 24

// stepAt is when something is sent, in parts of the budget.
var stepAt = [...]time.Duration{0, 1, 2, 6, 10, 14, 18}

// firstLook is the first step with a Look.
const firstLook = 2

// lingerParts is how long a probe waits for the accept behind a difference alert.
const lingerParts = 2

// ProbeOptions say how to ask. The zero value is usable.
type ProbeOptions struct {
	Ask    Ask
	Nick   string        // what the host's user reads; "" = "Portsitter"
	App    string        // likewise, as our emulator; "" = "port test"
	Budget time.Duration // at most this long; 0 = DefaultBudget. All pauses shrink and grow with it
}

// Result is what came back.
type Result struct {
	// Answered: a stranger's packet came in and the answer came out. Nothing below lowers that.
	Answered bool
	// Accepted: the host took the request, so that a player can join right now. A host that answered
	// but was asked and did not accept is busy, stuck half-open, or G3.
	Accepted bool
	// Refused: nobody answered, and somebody on the way said why: ICMP port unreachable, or filtered.
	// Without it there was silence: a firewall, no forwarding, a busy host.
	Refused    bool
	Generation Generation
	Nick       string        // of an accept, cleaned by Text
	Game       string        // likewise
	RTT        time.Duration // from the latest question of the kind that was answered
	Tries      int           // datagrams sent
}

// Probe asks a host whether it can be reached: conn is a UDP socket connected to it, with a local
// port of its own and read by nobody else. Probe lasts until the answer, a refusal that repeats
// itself, the end of the budget or that of ctx. It leaves conn open.
//
// Silence and refusal are results, not errors. An error means that the question could not be put or
// was cut short: the socket failed, or ctx ended.
func Probe(ctx context.Context, conn net.Conn, o ProbeOptions) (Result, error) {
	p := newProbe(conn, o)
	hearPortClosed(conn)
	defer conn.SetReadDeadline(time.Time{})
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	for !p.done {
		if err := p.sendDue(ctx); err != nil {
			return p.result(), fmt.Errorf("asking %s: %w", conn.RemoteAddr(), err)
		}
		conn.SetReadDeadline(p.wake())
		if ctx.Err() != nil {
			return p.result(), fmt.Errorf("the probe of %s was cut short: %w", conn.RemoteAddr(), context.Cause(ctx))
		}
		n, err := conn.Read(p.buf)
		switch {
		case err == nil:
			p.hear(p.buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.done = p.now() >= p.end
		case isUnreachable(err):
			p.refuse()
		default:
			return p.result(), fmt.Errorf("waiting for %s: %w", conn.RemoteAddr(), err)
		}
	}
	return p.result(), nil
}

// probe is one probe under way. Its times count from the start.
type probe struct {
	conn  net.Conn
	buf   []byte
	start time.Time
	part  time.Duration
	end   time.Duration

	ask      Ask
	question []byte // PINGRQ or a token: leads each step until it is answered
	look     []byte // nil: never
	token    Token

	step    int           // the next one
	late    time.Duration // what the steps are behind their times
	askedAt time.Duration // when the question was last asked
	looks   int
	lookAt  time.Duration // when the last one left

	res      Result
	refusals int
	ponged   bool
	done     bool
}

func newProbe(conn net.Conn, o ProbeOptions) *probe {
	if o.Nick == "" {
		o.Nick = "Portsitter"
	}
	if o.App == "" {
		o.App = "port test"
	}
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	p := &probe{
		conn: conn, buf: make([]byte, maxDatagram), start: time.Now(), part: o.Budget / budgetParts, end: o.Budget,
		ask: o.Ask, question: PingQuestion(),
	}
	switch o.Ask {
	case AskToken:
		p.token = NewToken()
		p.question = TokenQuestion(p.token)
	case AskLeast, AskJoin:
		p.look = Look(o.Nick, o.App)
	}
	return p
}

func (p *probe) now() time.Duration { return time.Since(p.start) }

// due is when the next step is; the end if there is none.
func (p *probe) due() time.Duration {
	if p.step == len(stepAt) {
		return p.end
	}
	return min(p.end, p.late+stepAt[p.step]*p.part)
}

// wake is when there is something to do again.
func (p *probe) wake() time.Time { return p.start.Add(p.due()) }

// lookNow puts off the steps so that the first one with a Look is due.
func (p *probe) lookNow() {
	p.step = firstLook
	p.late = p.now() - stepAt[firstLook]*p.part
}

// stop keeps anything more from being sent.
func (p *probe) stop() { p.step = len(stepAt) }

func (p *probe) sendDue(ctx context.Context) error {
	now, due := p.now(), p.due()
	if now < due || now >= p.end || p.step == len(stepAt) || ctx.Err() != nil {
		return nil
	}
	p.late += now - due // who comes late must not hurry then: the pauses matter
	step := p.step
	p.step++
	if p.question != nil {
		p.askedAt = now
		if err := p.write(p.question); err != nil {
			return err
		}
	}
	if p.look != nil && step >= firstLook {
		p.lookAt = now
		p.looks++
		return p.write(p.look)
	}
	return nil
}

// write sends one datagram, again when the system reports the fate of an earlier one instead.
func (p *probe) write(b []byte) (err error) {
	for range 3 {
		if _, err = p.conn.Write(b); err == nil {
			p.res.Tries++
			return nil
		}
		if !isUnreachable(err) {
			return err
		}
		p.refuse()
	}
	return err
}

// refuse notes that the port was reported closed. Once is not enough: a host closes its port for a
// moment whenever somebody leaves, after a Look in particular.
func (p *probe) refuse() {
	p.refusals++
	enough := 2
	if p.looks > 0 {
		enough = 3
	}
	if p.refusals >= enough && !p.res.Answered {
		p.done = true
	}
}

func (p *probe) result() Result {
	r := p.res
	r.Refused = p.refusals > 0 && !r.Answered
	return r
}
