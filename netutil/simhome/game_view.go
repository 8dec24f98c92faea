package simhome

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// maxGameLines bounds what a game's window and chat remember.
const maxGameLines = 256

// GameCounts is what a host has received, and what became of it.
type GameCounts struct {
	Datagrams   int // everything
	Raw         int // those that begin with 0
	Malformed   int // those that do not hold what they say
	Duplicates  int // those with nothing new
	OutOfWindow int // those whose serial does not fit
	Filtered    int // those from somebody else than the peer
	Gaps        int // those that skip serials: real hosts then use stale memory

	// The messages in the others that were new.
	Requests, Accepts, Rejects, Pings, Echoes, Chats, Exits, Others int

	Sent      int // datagrams
	Pongs     int // answers to PINGRQ
	Reopened  int // times that the port was closed after an EXIT
	Kicked    int // players that lost their place by a stranger's EXIT
	Corrupted int // messages of strangers that got into a game
}

// GameView is a host at one moment.
type GameView struct {
	State  GameState
	Peer   netip.AddrPort
	Open   bool // its port is
	Last   byte // the newest serial that it has accepted, 255 when it has heard nothing
	Counts GameCounts
	Lines  []string // what its window shows beside the chat
	Chats  []string // the chat lines that it shows
}

// Wedged reports whether an idle host ignores every new client, which begins with serial 0.
func (v GameView) Wedged() bool {
	ahead := 0 - v.Last
	return v.State == GameIdle && (ahead < 1 || ahead > n02Window)
}

// View tells how the host is doing.
func (g *Game) View() GameView {
	v, _ := g.view()
	return v
}

func (g *Game) view() (v GameView, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return GameView{
		State: g.state, Peer: g.peer, Open: g.conn != nil, Last: g.last, Counts: g.counts,
		Lines: slices.Clone(g.lines), Chats: slices.Clone(g.chats),
	}, g.changed
}

// Await waits until the host is as it should be, and returns how it is then. An error is ctx's, with
// how it was last.
func (g *Game) Await(ctx context.Context, is func(GameView) bool) (GameView, error) {
	for {
		v, changed := g.view()
		if is(v) {
			return v, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return v, fmt.Errorf("simhome: the game is still %+v: %w", v, ctx.Err())
		}
	}
}

// Occupy puts the host into a state as if peer had brought it there and had last sent this serial.
func (g *Game) Occupy(s GameState, peer netip.AddrPort, last byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state, g.peer, g.last = s, peer, last
	g.announce()
}

// announce wakes those who wait for a change.
func (g *Game) announce() {
	g.lines = g.lines[max(0, len(g.lines)-maxGameLines):]
	g.chats = g.chats[max(0, len(g.chats)-maxGameLines):]
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *Game) say(line string) { g.lines = append(g.lines, line) }

func (g *Game) count(m n02Message) {
	c := &g.counts
	switch m.typ {
	case n02Request:
		c.Requests++
	case n02Accept:
		c.Accepts++
	case n02Reject:
		c.Rejects++
	case n02Ping:
		c.Pings++
	case n02Echo:
		c.Echoes++
	case n02Chat:
		c.Chats++
	case n02Exit:
		c.Exits++
	default:
		c.Others++
	}
}
