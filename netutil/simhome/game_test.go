package simhome

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestGameLetsAPlayerIn(t *testing.T) {
	g := startGame(t, GameOptions{})
	p := newPlayer(t, g)
	p.say(askIn)
	p.hears(accepted)
	await(t, g, halfOpen)
	p.say(confirm)
	p.hears("\x02\x01\x81\x01"+nul(128)+accepted[1:],
		"\x03\x02\x42\x09\x05\x00\x00\x00Using version: v0r6 (double) - Things may behave differently\x00\x01\x81\x01"+nul(128)+accepted[1:])
	p.say("\x01\x02\x21\x01" + strings.Repeat("e", 32))
	p.hears("\x03\x03\x21\x11" + strings.Repeat("e", 32) +
		"\x02\x42\x09\x05\x00\x00\x00Using version: v0r6 (double) - Things may behave differently\x00\x01\x81\x01" + nul(128))
	p.say("\x01\x03\x0A\x09\x05\x00\x00\x00abcd\x00")
	v := await(t, g, func(v GameView) bool { return len(v.Chats) > 0 })
	if v.State != GameConnected || v.Peer.Port() != p.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() {
		t.Errorf("%+v", v)
	}
	p.say("\x01\x04\x01\x0A")
	v = await(t, g, func(v GameView) bool { return v.Counts.Reopened == 1 && idle(v) })
	if v.Wedged() || v.Peer.IsValid() || v.Counts.Kicked != 0 || len(v.Chats) != 1 {
		t.Errorf("%+v", v)
	}
	p.say(askIn) // from the beginning
	p.hears(accepted)
}

func TestGameWarnsOfAnotherEmulator(t *testing.T) {
	g := startGame(t, GameOptions{})
	p := newPlayer(t, g)
	p.say(askOther)
	first, second := "\x01"+alertMsg, "\x02\x01"+accepted[2:]+alertMsg
	if len(first) != 60 || len(second) != 223 {
		t.Fatalf("%d and %d bytes", len(first), len(second))
	}
	p.hears(first, second)
}

// TestGameAnswersALook: 167 bytes that leave nothing behind, again and again.
func TestGameAnswersALook(t *testing.T) {
	for _, kind := range []GameKind{GameG1, GameV05, GameRMG} {
		g := startGame(t, GameOptions{Kind: kind})
		p := newPlayer(t, g)
		for i := range 5 {
			p.say(lookIn)
			p.hears(accepted)
			v := await(t, g, func(v GameView) bool { return v.Counts.Reopened == i+1 && idle(v) })
			if v.Wedged() {
				t.Fatalf("%+v", v)
			}
		}
		if v := g.View(); len(v.Chats) != 0 || len(v.Lines) != 15 || v.Lines[0] != "Connection Request from Mario (Project64k)" {
			t.Errorf("the user sees %q and %q", v.Lines, v.Chats)
		}
	}
}

// TestGameSerials holds the window and what uses serials up.
func TestGameSerials(t *testing.T) {
	tests := []struct {
		name   string
		before string // from somebody else
		wedged bool   // and then a client is ignored
	}{
		{"nothing", "\x00", false},
		{"first serial 13", "\x01\x0D\x01\x02", true},
		{"first serial 14", "\x01\x0E\x01\x02", false},
		{"a ping", "\x01\x00\x21\x01" + nul(32), true},
		{"a chat", "\x01\x00\x0A\x09\x05\x00\x00\x00abcd\x00", true},
		{"a short request", "\x01\x00\x05\x00a\x00b\x00", true},
		{"a stray byte", "\x01", true},
		{"a cut datagram", "\x01\x00\xA1\x00Mar", true},
		{"15 instructions", "\x0F\x00\x01\x02", false},
		{"PINGRQ", "\x00PINGRQ\x00", false},
		{"an exit", "\x01\x00\x01\x0A", false},
		{"a ping and an exit", "\x02\x01\x01\x0A\x00\x01\x01", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := startGame(t, GameOptions{})
			newPlayer(t, g).say(tt.before)
			await(t, g, func(v GameView) bool { return v.Counts.Datagrams == 1 && idle(v) })
			newPlayer(t, g).say(askIn)
			v := await(t, g, func(v GameView) bool { return v.Counts.Datagrams == 2 })
			if tt.wedged != (v.State == GameIdle) || tt.wedged != v.Wedged() || len(v.Chats) != 0 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// TestGameStrangers holds what somebody else than the peer can do, by kind of host.
func TestGameStrangers(t *testing.T) {
	peer := netip.MustParseAddrPort("127.0.0.9:9")
	elsewhere := netip.MustParseAddrPort("198.51.100.7:9")
	tests := []struct {
		name   string
		kind   GameKind
		state  GameState
		peer   netip.AddrPort
		say    string
		want   GameState
		counts func(GameCounts) int
	}{
		{"half-open, next client", GameG1, GameHalfOpen, peer, askIn, GameHalfOpen, func(c GameCounts) int { return c.Duplicates }},
		{"half-open, its client asks once more", GameG1, GameHalfOpen, peer, "\x02\x01" + askIn[2:] + askIn[1:], GameHalfOpen, func(c GameCounts) int { return c.Requests }},
		{"half-open, a look frees it", GameG1, GameHalfOpen, peer, lookIn, GameIdle, func(c GameCounts) int { return c.Reopened }},
		{"half-open, a look frees it", GameV05, GameHalfOpen, peer, lookIn, GameIdle, func(c GameCounts) int { return c.Reopened }},
		{"half-open, a look", GameRMG, GameHalfOpen, peer, lookIn, GameHalfOpen, func(c GameCounts) int { return c.Filtered }},
		{"half-open, reject", GameG1, GameHalfOpen, peer, "\x01\x01\x01\x20", GameIdle, func(c GameCounts) int { return c.Rejects }},
		{"in the lobby, exit", GameG1, GameConnected, peer, "\x01\x05\x01\x0A", GameIdle, func(c GameCounts) int { return c.Kicked }},
		{"in the lobby, exit", GameV05, GameConnected, peer, "\x01\x05\x01\x0A", GameIdle, func(c GameCounts) int { return c.Kicked }},
		{"in the lobby, exit", GameRMG, GameConnected, peer, "\x01\x05\x01\x0A", GameConnected, func(c GameCounts) int { return c.Filtered }},
		{"in the lobby, exit does not fit", GameG1, GameConnected, peer, "\x01\x63\x01\x0A", GameConnected, func(c GameCounts) int { return c.OutOfWindow }},
		{"playing, data", GameG1, GamePlaying, peer, "\x01\x01\x02\x07x", GamePlaying, func(c GameCounts) int { return c.Corrupted }},
		{"playing, data from elsewhere", GameV05, GamePlaying, elsewhere, "\x01\x01\x02\x07x", GamePlaying, func(c GameCounts) int { return c.Filtered }},
		{"a gap", GameG1, GameConnected, peer, "\x01\x03\x01\x02", GameConnected, func(c GameCounts) int { return c.Gaps }},
	}
	for _, tt := range tests {
		g := startGame(t, GameOptions{Kind: tt.kind})
		g.Occupy(tt.state, tt.peer, 0)
		newPlayer(t, g).say(tt.say)
		v := await(t, g, func(v GameView) bool { return v.Counts.Datagrams == 1 })
		if v.State != tt.want || tt.counts(v.Counts) != 1 || v.Counts.Sent != 0 {
			t.Errorf("kind %d, %s: %+v", tt.kind, tt.name, v)
		}
	}
}

func TestGameRaw(t *testing.T) {
	tests := []struct {
		name  string
		kind  GameKind
		state GameState
		say   string
		pong  bool
		shows int
	}{
		{"G1", GameG1, GameIdle, "\x00PINGRQ\x00", false, 0},
		{"v0.5r1", GameV05, GameIdle, "\x00PINGRQ\x00", true, 0},
		{"v0.5r1 with a player", GameV05, GameConnected, "\x00PINGRQ\x00", true, 0},
		{"v0.5r1 in a game", GameV05, GamePlaying, "\x00PINGRQ\x00", false, 0},
		{"n02-rmg", GameRMG, GameIdle, "\x00PINGRQ\x00", true, 0},
		{"n02-rmg with a player", GameRMG, GameConnected, "\x00PINGRQ\x00", true, 0},
		{"text", GameV05, GameIdle, "\x00hello\x00", false, 1},
		{"text that is not shown", GameV05, GameIdle, "\x00MSG hello\x00", false, 0},
		{"text for G1", GameG1, GameIdle, "\x00hello\x00", false, 0},
		{"a punch", GameV05, GameIdle, "\x00", false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := startGame(t, GameOptions{Kind: tt.kind})
			g.Occupy(tt.state, netip.MustParseAddrPort("127.0.0.9:9"), n02Fresh)
			p := newPlayer(t, g)
			p.say(tt.say)
			v := await(t, g, func(v GameView) bool { return v.Counts.Raw == 1 })
			if (v.Counts.Pongs == 1) != tt.pong || len(v.Lines) != tt.shows || v.State != tt.state || v.Last != n02Fresh {
				t.Errorf("%+v", v)
			}
			if tt.pong {
				p.hears("\x00xxxxxxxxxx\x00")
			}
		})
	}
}

// TestGamePingsItsPeer: also one that has not confirmed, and never stops.
func TestGamePingsItsPeer(t *testing.T) {
	g := startGame(t, GameOptions{PingEvery: 5 * time.Millisecond})
	p := newPlayer(t, g)
	p.say(askIn)
	ping := func(serial string) string { return serial + "\x21\x01" + nul(32) }
	p.hears(accepted, "\x02"+ping("\x01")+accepted[1:], "\x03"+ping("\x02")+ping("\x01")+accepted[1:], "\x03"+ping("\x03")+ping("\x02")+ping("\x01"))
	if v := g.View(); v.State != GameHalfOpen {
		t.Errorf("%+v", v)
	}
}

func TestGameSockets(t *testing.T) {
	t.Run("taken", func(t *testing.T) {
		g := startGame(t, GameOptions{})
		if other, err := StartGame(t.Context(), GameOptions{Addr: g.Addr()}); err == nil {
			other.Close()
			t.Error("two games host on one port")
		}
	})
	t.Run("freed by Close", func(t *testing.T) {
		g := startGame(t, GameOptions{})
		g.Close()
		startGame(t, GameOptions{Addr: g.Addr()})
		if v := g.View(); v.Open {
			t.Errorf("%+v", v)
		}
	})
	t.Run("freed by the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g, err := StartGame(ctx, GameOptions{RebindGap: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		newPlayer(t, g).say("\x01\x00\x01\x0A")
		await(t, g, func(v GameView) bool { return !v.Open })
		cancel()
		g.Close()
	})
	t.Run("lost in the gap", func(t *testing.T) {
		g := startGame(t, GameOptions{RebindGap: 400 * time.Millisecond})
		newPlayer(t, g).say("\x01\x00\x01\x0A")
		await(t, g, func(v GameView) bool { return !v.Open })
		thief, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(g.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer thief.Close()
		if v := await(t, g, func(v GameView) bool { return v.State == GameBroken }); v.Open {
			t.Errorf("%+v", v)
		}
	})
}
