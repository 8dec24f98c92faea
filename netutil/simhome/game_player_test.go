package simhome

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// ownAddr is a loopback address that nobody else uses: while a game has its port closed for a moment,
// the system must not give it to another test.
var ownAddr = netip.MustParseAddrPort("127.66.0.1:0")

// startGame hosts during a test.
func startGame(t *testing.T, o GameOptions) *Game {
	t.Helper()
	if !o.Addr.IsValid() {
		o.Addr = ownAddr
	}
	g, err := StartGame(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// await waits until the game is as it should be.
func await(t *testing.T, g *Game, is func(GameView) bool) GameView {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	v, err := g.Await(ctx, is)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// player is a client that says what a test tells it to.
type player struct {
	t    *testing.T
	conn net.Conn
}

func newPlayer(t *testing.T, g *Game) player {
	t.Helper()
	conn, err := net.Dial("udp4", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return player{t, conn}
}

func (p player) say(b string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(b)); err != nil {
		p.t.Error(err)
	}
}

// hears fails the test unless these datagrams come, in this order.
func (p player) hears(want ...string) {
	p.t.Helper()
	buf := make([]byte, 2048)
	for _, w := range want {
		p.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := p.conn.Read(buf)
		if err != nil {
			p.t.Fatal(err)
		}
		if string(buf[:n]) != w {
			p.t.Errorf("heard %q\n want %q", buf[:n], w)
		}
	}
}

func nul(n int) string { return strings.Repeat("\x00", n) }

// What goes over the wire, byte for byte as it was seen between real hosts and clients.
var (
	askIn    = "\x01\x00\xA1\x00Mario" + nul(27) + "Project64k" + nul(118)
	askOther = "\x01\x00\xA1\x00Mario" + nul(27) + "Mupen" + nul(123)
	accepted = "\x01\x00\xA1\x10Host" + nul(28) + "SMASH BROTHERS" + nul(114)
	alertMsg = "\x00\x39\x09\x05\x00\x00\x00Emulator/version difference alert! Game may desync!\x00"
	confirm  = "\x02\x01\x01\x10\x00\xA1\x00Mario" + nul(27) + "Project64k" + nul(118)
	lookIn   = "\x02\x01\x01\x0A\x00\xA1\x00Mario" + nul(27) + "Project64k" + nul(118)
)

func idle(v GameView) bool     { return v.State == GameIdle && v.Open }
func halfOpen(v GameView) bool { return v.State == GameHalfOpen }
