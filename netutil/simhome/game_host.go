package simhome

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// hear takes in one datagram; true means that the port is to be closed and opened again.
func (g *Game) hear(b []byte, from netip.AddrPort) (reopen bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.announce()
	g.counts.Datagrams++
	switch {
	case len(b) == 0:
		return false
	case b[0] == 0:
		g.hearRaw(b, from)
		return false
	case b[0] > n02Window:
		return false
	case !g.listensTo(from):
		g.counts.Filtered++
		return false
	}
	messages, ok := n02Unpack(b)
	if !ok {
		g.hearJunk(b)
		return false
	}
	ahead := messages[0].serial - g.last
	switch {
	case ahead == 0:
		g.counts.Duplicates++
		return false
	case ahead > n02Window:
		g.counts.OutOfWindow++
		return false
	}
	g.last = messages[0].serial
	if int(ahead) > len(messages) {
		g.counts.Gaps++
	}
	for i := min(int(ahead), len(messages)) - 1; i >= 0; i-- {
		if g.take(messages[i], from) {
			return true
		}
	}
	return false
}

// listensTo is the filter by source address. Where there is none, a stranger whose serial happens to
// fit is taken for the player.
func (g *Game) listensTo(from netip.AddrPort) bool {
	switch {
	case !g.peer.IsValid() || g.o.Kind == GameG1:
		return true
	case g.o.Kind == GameV05:
		return g.state != GamePlaying || from.Addr() == g.peer.Addr()
	}
	return from == g.peer
}

// hearJunk is for datagrams that do not hold what they say: nobody checks that, so their serial is
// used up, or one from stale memory if they have none, and clients that begin at 0 are not heard.
func (g *Game) hearJunk(b []byte) {
	g.counts.Malformed++
	serial := byte(0)
	if len(b) > 1 {
		serial = b[1]
	}
	if ahead := serial - g.last; ahead >= 1 && ahead <= n02Window {
		g.last = serial
	}
}

// hearRaw deals with text from helper servers, of which G1 knows nothing.
func (g *Game) hearRaw(b []byte, from netip.AddrPort) {
	g.counts.Raw++
	if len(b) <= 5 || g.o.Kind == GameG1 {
		return
	}
	text := n02String(b[1:])
	switch {
	case text == "PINGRQ":
		if g.state != GamePlaying {
			g.counts.Pongs++
			g.answer([]byte("\x00"+strings.Repeat("x", 10)+"\x00"), from)
		}
	case !strings.HasPrefix(text, "MSG"):
		g.say(text)
	}
}

// take obeys one message, whoever sent it.
func (g *Game) take(m n02Message, from netip.AddrPort) (reopen bool) {
	g.count(m)
	if from != g.peer && g.state == GamePlaying {
		g.counts.Corrupted++
	}
	switch {
	case m.typ == n02Exit:
		g.leave(from)
		return true
	case m.typ == n02Request && len(m.body) == n02LoginBody && g.state == GameIdle:
		g.letIn(m, from)
	case g.state == GameHalfOpen && m.typ == n02Accept && len(m.body) == 0:
		g.state = GameConnected
		g.send(n02Ping, make([]byte, 128))
		g.send(n02Chat, n02Line(5, "Using version: v0r6 (double) - Things may behave differently"))
	case g.state == GameHalfOpen && m.typ == n02Reject:
		// Idle again, but the serials stay used up.
		g.state, g.peer, g.pingAt = GameIdle, netip.AddrPort{}, time.Time{}
	case g.state == GameConnected && m.typ == n02Ping:
		g.send(n02Echo, m.body)
	case g.state != GameIdle && m.typ == n02Chat && len(m.body) >= 4:
		g.chats = append(g.chats, n02String(m.body[4:]))
	}
	return false
}

// letIn answers a request. Another emulator is not refused, only warned of.
func (g *Game) letIn(m n02Message, from netip.AddrPort) {
	nick, app := n02String(m.body[:32]), n02String(m.body[32:])
	g.say(fmt.Sprintf("Connection Request from %s (%s)", nick, app))
	g.state, g.peer = GameHalfOpen, from
	g.pingAt = time.Now().Add(g.o.PingEvery)
	if app != g.o.Names.App {
		g.send(n02Chat, n02Line(5, "Emulator/version difference alert! Game may desync!"))
	}
	g.send(n02Accept, n02Login(g.o.Names.Nick, g.o.Names.Game))
}

// leave forgets everything about the peer. The port closes with it.
func (g *Game) leave(from netip.AddrPort) {
	if from != g.peer && (g.state == GameConnected || g.state == GamePlaying) {
		g.counts.Kicked++
	}
	if g.peer.IsValid() {
		g.say("Peer left")
	}
	g.say("Re Initializing server...")
	g.counts.Reopened++
	g.conn = nil
	g.state, g.peer, g.pingAt = GameIdle, netip.AddrPort{}, time.Time{}
	g.last, g.serial, g.out = n02Fresh, 0, nil
}
