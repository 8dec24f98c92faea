package simhome

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/kaillera"
)

// probe asks a host in a hurry: with a budget of 240 ms instead of 6 s where silence is expected, and
// of 1.2 s where an answer ends it.
func probe(t *testing.T, to netip.AddrPort, ask kaillera.Ask, answer bool) kaillera.Result {
	t.Helper()
	conn, err := net.Dial("udp4", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return probeOver(t, conn, ask, answer)
}

func probeOver(t *testing.T, conn net.Conn, ask kaillera.Ask, answer bool) kaillera.Result {
	t.Helper()
	o := kaillera.ProbeOptions{Ask: ask, Nick: "Mario", App: "Project64k", Budget: 240 * time.Millisecond}
	if answer {
		o.Budget *= 5
	}
	res, err := kaillera.Probe(t.Context(), conn, o)
	if err != nil {
		t.Error(err)
	}
	return res
}

func TestProbeMeetsGame(t *testing.T) {
	peer := netip.MustParseAddrPort("127.0.0.9:9")
	accepted := func(g kaillera.Generation) kaillera.Result {
		return kaillera.Result{Answered: true, Accepted: true, Generation: g, Nick: "Host", Game: "SMASH BROTHERS"}
	}
	ponged := kaillera.Result{Answered: true, Generation: kaillera.G2OrG3}
	tests := []struct {
		name  string
		kind  GameKind
		ask   kaillera.Ask
		state GameState
		last  byte
		want  kaillera.Result // without RTT and Tries
		left  GameState
	}{
		{"idle", GameG1, kaillera.AskLeast, GameIdle, n02Fresh, accepted(kaillera.G1), GameIdle},
		{"idle", GameV05, kaillera.AskLeast, GameIdle, n02Fresh, ponged, GameIdle},
		{"idle", GameV05, kaillera.AskJoin, GameIdle, n02Fresh, accepted(kaillera.G2), GameIdle},
		{"idle", GameRMG, kaillera.AskJoin, GameIdle, n02Fresh, accepted(kaillera.G2), GameIdle},
		{"idle, without a trace", GameG1, kaillera.AskPing, GameIdle, n02Fresh, kaillera.Result{}, GameIdle},
		{"wedged by a ping: its EXIT helps", GameG1, kaillera.AskLeast, GameIdle, 0, accepted(kaillera.G1), GameIdle},
		{"wedged for good", GameG1, kaillera.AskLeast, GameIdle, 5, kaillera.Result{}, GameIdle},
		{"half-open: its EXIT helps", GameG1, kaillera.AskLeast, GameHalfOpen, 0, accepted(kaillera.G1), GameIdle},
		{"half-open for good", GameG1, kaillera.AskLeast, GameHalfOpen, 1, kaillera.Result{}, GameHalfOpen},
		{"half-open", GameRMG, kaillera.AskJoin, GameHalfOpen, 0, ponged, GameHalfOpen},
		{"half-open", GameV05, kaillera.AskLeast, GameHalfOpen, 0, ponged, GameHalfOpen},
		{"player in the lobby", GameG1, kaillera.AskLeast, GameConnected, 77, kaillera.Result{}, GameConnected},
		{"player in the lobby", GameV05, kaillera.AskJoin, GameConnected, 77, ponged, GameConnected},
		{"player in the lobby, serial fits", GameV05, kaillera.AskLeast, GameConnected, 250, ponged, GameConnected},
		{"player in the lobby", GameRMG, kaillera.AskJoin, GameConnected, 250, ponged, GameConnected},
		{"in a game", GameG1, kaillera.AskLeast, GamePlaying, 77, kaillera.Result{}, GamePlaying},
		{"in a game", GameV05, kaillera.AskLeast, GamePlaying, 77, kaillera.Result{}, GamePlaying},
		{"a token is nothing to it", GameV05, kaillera.AskToken, GameIdle, n02Fresh, kaillera.Result{}, GameIdle},
		{"a token is nothing to it", GameG1, kaillera.AskToken, GameIdle, n02Fresh, kaillera.Result{}, GameIdle},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("kind %d, %s", tt.kind, tt.name), func(t *testing.T) {
			t.Parallel()
			g := startGame(t, GameOptions{Kind: tt.kind})
			if tt.state != GameIdle || tt.last != n02Fresh {
				g.Occupy(tt.state, peer, tt.last)
			}
			res := probe(t, g.Addr(), tt.ask, tt.want.Answered)
			if res.Answered != (res.RTT > 0) || res.Tries < 1 {
				t.Errorf("RTT %v after %d tries", res.RTT, res.Tries)
			}
			res.RTT, res.Tries = 0, 0
			if res != tt.want {
				t.Errorf("got %+v, want %+v", res, tt.want)
			}
			v := await(t, g, func(v GameView) bool { return v.State == tt.left && v.Open })
			if len(v.Chats) != 0 || v.Counts.Malformed != 0 || v.Counts.Kicked != 0 || v.Counts.Corrupted != 0 {
				t.Errorf("it leaves %+v", v)
			}
			if tt.ask == kaillera.AskToken && len(v.Lines) != 0 {
				t.Errorf("its window shows %q", v.Lines)
			}
		})
	}
}

// TestProbeMeetsOtherEmulator: the alert comes first, the names all the same.
func TestProbeMeetsOtherEmulator(t *testing.T) {
	g := startGame(t, GameOptions{Names: GameNames{Nick: "Jos\xE9", App: "another", Game: "\x83X\x83}"}})
	res := probe(t, g.Addr(), kaillera.AskLeast, true)
	if !res.Accepted || res.Nick != "José" || res.Game != "X}" {
		t.Errorf("%+v", res)
	}
}

// deafConn does not hear the first datagrams that come in.
type deafConn struct {
	net.Conn
	deaf int
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for ; err == nil && c.deaf > 0; c.deaf-- {
		n, err = c.Conn.Read(b)
	}
	return n, err
}

// TestProbeMeetsClosing: a host whose answers got lost has closed its port each time, and is clean
// afterwards all the same.
func TestProbeMeetsClosing(t *testing.T) {
	g := startGame(t, GameOptions{RebindGap: 15 * time.Millisecond})
	res := probeOver(t, &deafConn{newPlayer(t, g).conn, 2}, kaillera.AskLeast, true)
	if !res.Accepted || res.Tries != 3+1+2+2 {
		t.Errorf("%+v", res)
	}
	v := await(t, g, func(v GameView) bool { return v.Counts.Reopened == 3 && idle(v) })
	if v.Wedged() || v.Counts.Requests != 3 || v.Counts.Exits != 3 || len(v.Chats) != 0 {
		t.Errorf("%+v", v)
	}
}

func TestProbeMeetsNobody(t *testing.T) {
	g := startGame(t, GameOptions{})
	g.Close()
	// Linux tells the writer of the second refusal, so that the Look does not leave; Windows only the reader.
	if res := probe(t, g.Addr(), kaillera.AskLeast, true); !res.Refused || res.Answered || res.Tries > 4 {
		t.Errorf("%+v", res)
	}
}

// TestDatagramsAgree holds package kaillera's words against the double's.
func TestDatagramsAgree(t *testing.T) {
	tests := []struct {
		ours   []kaillera.Instruction
		theirs []n02Message
	}{
		{[]kaillera.Instruction{kaillera.Request("n", "a")}, []n02Message{{0, n02Request, n02Login("n", "a")}}},
		{[]kaillera.Instruction{kaillera.Accept("n", "g")}, []n02Message{{0, n02Accept, n02Login("n", "g")}}},
		{[]kaillera.Instruction{kaillera.Confirm()}, []n02Message{{0, n02Accept, nil}}},
		{[]kaillera.Instruction{kaillera.Chat(5, "hello")}, []n02Message{{0, n02Chat, n02Line(5, "hello")}}},
		{[]kaillera.Instruction{kaillera.Ping(32)}, []n02Message{{0, n02Ping, make([]byte, 32)}}},
		{[]kaillera.Instruction{kaillera.Exit(), kaillera.Request("n", "a")}, []n02Message{{1, n02Exit, nil}, {0, n02Request, n02Login("n", "a")}}},
	}
	for _, tt := range tests {
		ours, err := kaillera.Datagram{Serial: tt.theirs[0].serial, Instructions: tt.ours}.Append(nil)
		if theirs := n02Pack(tt.theirs); err != nil || string(ours) != string(theirs) {
			t.Errorf("%v:\n% x (%v)\n% x", tt.ours[0].Kind, ours, err, theirs)
		}
		back, ok := n02Unpack(ours)
		if !ok || len(back) != len(tt.theirs) || back[0].typ != tt.theirs[0].typ || string(back[0].body) != string(tt.theirs[0].body) {
			t.Errorf("%v came back as %v", tt.ours[0].Kind, back)
		}
	}
}
