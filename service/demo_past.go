package service

import (
	"fmt"
	"iter"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// publicOf is the home's public address, also while its internet is broken.
func publicOf(home *simhome.Home) netip.Addr {
	public, err := home.Public()
	if err != nil {
		return netip.AddrFrom4([4]byte{203, 0, 113, 7}) // RFC 5737
	}
	return public
}

// demoPast invents the month before the demo, so that its page shows what a real one shows: nights
// in which the PC was off, a provider that changes the address, and a router that lost its table.
func demoPast(now time.Time, port string, public netip.Addr) iter.Seq[daemon.Event] {
	return func(yield func(daemon.Event) bool) {
		p := pastTeller{yield: yield, port: port}
		year, month, today := now.Date()
		for ago := 29; ago >= 0; ago-- {
			day := func(hour, minute int) time.Time {
				return time.Date(year, month, today-ago, hour, minute, 0, 0, now.Location())
			}
			from, to := day(0, 0), day(24, 0)
			moved := public
			if ago > 11 {
				moved = public.Prev()
			}
			off := ago%7 == 3 || ago == 0
			switch {
			case ago == 0:
				if to = now.Add(-time.Minute); to.Before(from) {
					to = from
				}
			case ago%7 == 3:
				to = day(23, 10)
			case ago%7 == 2:
				from = day(9, 20)
			}
			p.on(from, moved)
			switch ago {
			case 24:
				p.shut(day(19, 12), day(20, 55), daemon.NoRouterAnswer, "The router did not answer")
			case 15:
				p.shut(day(4, 0), day(4, 0).Add(41*time.Second), daemon.Starting, "The router has restarted; opening the port again…")
			case 11:
				p.tell(day(4, 0), daemon.Event{Kind: "address", Address: moved, Text: fmt.Sprintf("The public address changed from %s to %s", moved.Prev(), moved)})
			case 5:
				p.shut(day(15, 30), day(15, 52), daemon.PortTaken, "The port is forwarded to 192.168.1.50")
			}
			p.quiet(to)
			if off {
				p.tell(to, daemon.Event{Kind: "verdict", Port: port, Code: daemon.Stopped, Text: port + ": Portsitter has stopped"})
			}
		}
	}
}

// pastTeller tells events one after the other, and marks between them.
type pastTeller struct {
	yield func(daemon.Event) bool
	port  string
	last  time.Time
	ended bool // nobody listens any more
}

func (p *pastTeller) tell(at time.Time, e daemon.Event) {
	if !p.ended {
		e.At, p.last = at.UTC(), at
		p.ended = !p.yield(e)
	}
}

// quiet lets the time go by in which nothing happens.
func (p *pastTeller) quiet(until time.Time) {
	for next := p.last.Add(15 * time.Minute); next.Before(until); next = next.Add(15 * time.Minute) {
		p.tell(next, daemon.Event{Kind: "alive"})
	}
}

// on starts the PC, unless it has been running through the night.
func (p *pastTeller) on(at time.Time, public netip.Addr) {
	if at.Sub(p.last) <= 15*time.Minute {
		return
	}
	p.tell(at, daemon.Event{Kind: "start", Text: "Portsitter has started"})
	p.tell(at, daemon.Event{Kind: "address", Address: public, Text: "The public address is " + public.String()})
	p.tell(at, daemon.Event{Kind: "verdict", Port: p.port, Code: daemon.CodeReachable, Text: p.port + ": You can host"})
}

func (p *pastTeller) shut(from, to time.Time, code daemon.Code, why string) {
	p.quiet(from)
	p.tell(from, daemon.Event{Kind: "verdict", Port: p.port, Code: code, Text: p.port + ": " + why})
	p.quiet(to)
	p.tell(to, daemon.Event{Kind: "verdict", Port: p.port, Code: daemon.CodeReachable, Shut: int64(to.Sub(from) / time.Second),
		Text: p.port + ": You can host"})
}
