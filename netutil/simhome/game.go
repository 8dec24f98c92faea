package simhome

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// GameKind is the lineage of the game's netplay plugin.
type GameKind int

// The plugins whose hosts are known.
const (
	// GameG1 is Project64KSE's: it listens to everybody at any time and knows no PINGRQ.
	GameG1 GameKind = iota
	// GameV05 is n02 v0.5r1: it answers PINGRQ outside a game, and in a game it listens to the
	// peer's address only.
	GameV05
	// GameRMG is n02-rmg of 2026: as GameV05, but once it has a peer it listens to nobody else.
	GameRMG
)

// GameState is what a host is doing.
type GameState int

// The states of a host.
const (
	GameIdle      GameState = iota
	GameHalfOpen            // somebody has asked, and has neither confirmed nor left: nobody else can
	GameConnected           // a player is in the lobby
	GamePlaying
	GameBroken // it could not open its port again: "Error initializing sockets"
)

// String names the state.
func (s GameState) String() string {
	switch s {
	case GameHalfOpen:
		return "half-open"
	case GameConnected:
		return "connected"
	case GamePlaying:
		return "playing"
	case GameBroken:
		return "broken"
	}
	return "idle"
}

// GameNames are what a host tells, in bytes of any code page.
type GameNames struct {
	Nick string // cut after 31 bytes
	App  string // the emulator: a client with another one is warned
	Game string // cut after 127 bytes
}

// GameOptions describe a host. The zero value is a usable one.
type GameOptions struct {
	Kind      GameKind
	Addr      netip.AddrPort // where it listens; no address = 127.0.0.1, port 0 = any free one
	Names     GameNames      // the zero value = names of a Project64KSE host
	RebindGap time.Duration  // how long its port is closed after an EXIT
	PingEvery time.Duration  // 0 = 1 s
}

// Game is an emulator that hosts a Kaillera P2P game: a double of the real hosts, with their habits.
// Most of them are weaknesses. It simulates no ready flags, no game and no time-outs of a silent peer.
type Game struct {
	o    GameOptions
	addr netip.AddrPort
	ctx  context.Context
	stop context.CancelFunc
	done chan struct{} // closed when the port is

	mu      sync.Mutex
	conn    *net.UDPConn // nil while the port is closed
	state   GameState
	peer    netip.AddrPort // not valid: none
	last    byte           // newest serial that was accepted
	out     []n02Message   // the newest of ours, at most three
	serial  byte           // of our next message
	pingAt  time.Time      // when the peer is to be pinged; zero = never
	counts  GameCounts
	lines   []string
	chats   []string
	changed chan struct{} // closed and replaced at every change
}

// StartGame opens the port and hosts until Close or the end of ctx.
func StartGame(ctx context.Context, o GameOptions) (*Game, error) {
	if !o.Addr.Addr().IsValid() {
		o.Addr = netip.AddrPortFrom(loopback, o.Addr.Port())
	}
	if o.Names == (GameNames{}) {
		o.Names = GameNames{Nick: "Host", App: "Project64k", Game: "SMASH BROTHERS"}
	}
	if o.PingEvery == 0 {
		o.PingEvery = time.Second
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(o.Addr))
	if err != nil {
		return nil, fmt.Errorf("simhome: the game cannot host: %w", err)
	}
	g := &Game{o: o, conn: conn, last: n02Fresh, changed: make(chan struct{}), done: make(chan struct{})}
	g.addr = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	g.ctx, g.stop = context.WithCancel(ctx)
	// A deadline, not a close: the reader owns the socket.
	context.AfterFunc(g.ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.conn != nil {
			g.conn.SetReadDeadline(time.Unix(1, 0))
		}
	})
	go g.host(conn)
	return g, nil
}

// Addr is where the game listens.
func (g *Game) Addr() netip.AddrPort { return g.addr }

// Close stops hosting. When it returns the port is free.
func (g *Game) Close() error {
	g.stop()
	<-g.done
	return nil
}

// host reads until the end, on one socket after the other.
func (g *Game) host(conn *net.UDPConn) {
	defer close(g.done)
	buf := make([]byte, 1<<16)
	for conn != nil {
		g.mu.Lock()
		conn.SetReadDeadline(g.pingAt)
		g.mu.Unlock()
		if g.ctx.Err() != nil {
			g.shut(conn)
			return
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			if g.hear(buf[:n], from) {
				conn = g.reopen(conn)
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			g.pingPeer()
		}
	}
}

func (g *Game) shut(conn *net.UDPConn) {
	conn.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn = nil
	g.announce()
}

// reopen is what a host does when its player leaves: it closes its port, and opens it again.
func (g *Game) reopen(conn *net.UDPConn) *net.UDPConn {
	conn.Close()
	gap := time.NewTimer(g.o.RebindGap)
	defer gap.Stop()
	select {
	case <-gap.C:
	case <-g.ctx.Done():
		return nil
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(g.addr))
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.state = GameBroken
		g.say("Error initializing sockets")
		g.announce()
		return nil
	}
	g.conn = conn
	g.announce()
	return conn
}

func (g *Game) pingPeer() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pingAt.IsZero() || time.Now().Before(g.pingAt) || g.ctx.Err() != nil {
		return
	}
	g.pingAt = time.Now().Add(g.o.PingEvery)
	g.send(n02Ping, make([]byte, 32))
	g.announce()
}

// send tells the peer something, and again the two things before it.
func (g *Game) send(typ byte, body []byte) {
	g.out = append([]n02Message{{g.serial, typ, body}}, g.out[:min(len(g.out), 2)]...)
	g.serial++
	g.answer(n02Pack(g.out), g.peer)
}

func (g *Game) answer(b []byte, to netip.AddrPort) {
	if g.conn == nil {
		return
	}
	// An answer that cannot leave is as one that gets lost on the way.
	if _, err := g.conn.WriteToUDPAddrPort(b, to); err == nil {
		g.counts.Sent++
	}
}
