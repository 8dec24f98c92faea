package simhome

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/kaillera"
)

func TestSmash64MeetsGame(t *testing.T) {
	peer := netip.MustParseAddrPort("127.0.0.9:9")
	kse := GameNames{"Host", "Project64k", "SMASH BROTHERS"}
	tests := []struct {
		name  string
		o     GameOptions
		state GameState
		want  Smash64Verdict // Err: which, or nil
		left  GameState
		lines int // of chat
	}{
		{"idle", GameOptions{Names: kse}, GameIdle, Smash64Verdict{true, "Host", "SMASH BROTHERS", nil}, GameIdle, 7},
		{"the same emulator", GameOptions{Names: GameNames{"Host", "p2p-checker-bot", "SMASH"}}, GameIdle,
			Smash64Verdict{true, "Host", "SMASH", nil}, GameIdle, 7},
		{"n02-rmg", GameOptions{Names: kse, Kind: GameRMG}, GameIdle, Smash64Verdict{true, "Host", "SMASH BROTHERS", nil}, GameIdle, 7},
		{"Latin-1 nick", GameOptions{Names: GameNames{"Jos\xE9", "Project64k", "SMASH"}}, GameIdle,
			Smash64Verdict{Err: errGivesUp}, GameConnected, 0},
		{"no nick", GameOptions{Names: GameNames{"", "Project64k", "SMASH"}}, GameIdle, Smash64Verdict{Err: errGivesUp}, GameConnected, 0},
		{"half-open", GameOptions{Names: kse}, GameHalfOpen, Smash64Verdict{Err: errTimeout}, GameHalfOpen, 0},
		{"player in the lobby", GameOptions{Names: kse}, GameConnected, Smash64Verdict{Err: errTimeout}, GameConnected, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := startGame(t, tt.o)
			if tt.state != GameIdle {
				g.Occupy(tt.state, peer, 0)
				g.Occupy(tt.state, peer, 77)
			}
			got := Smash64{Wait: 100 * time.Millisecond, From: "203.0.113.7", Via: "portsitter"}.Check(t.Context(), g.Addr())
			want := tt.want
			if !is(got.Err, want.Err) || got.Success != want.Success || got.User != want.User || got.Game != want.Game {
				t.Errorf("got %+v, want %+v", got, want)
			}
			v := await(t, g, func(v GameView) bool { return v.State == tt.left && v.Open })
			if len(v.Chats) != tt.lines || v.Counts.Malformed != 0 || v.Counts.Gaps != 0 {
				t.Errorf("it leaves %+v", v)
			}
		})
	}
}

// errTimeout stands for any time-out in a table.
var errTimeout = errors.New("time-out")

func is(got, want error) bool {
	var network net.Error
	if want == errTimeout {
		return errors.As(got, &network) && network.Timeout()
	}
	return errors.Is(got, want)
}

// TestSmash64FreesNobody: the check that failed leaves the host so that nobody can join, and a Look
// cannot help.
func TestSmash64FreesNobody(t *testing.T) {
	g := startGame(t, GameOptions{Names: GameNames{"Jos\xE9", "Project64k", "SMASH"}})
	Smash64{Wait: 100 * time.Millisecond}.Check(t.Context(), g.Addr())
	await(t, g, func(v GameView) bool { return v.State == GameConnected })
	if res := probe(t, g.Addr(), kaillera.AskLeast, false); res.Answered {
		t.Errorf("%+v", res)
	}
}

// TestSmash64Stumbles: hosts that say one thing to every datagram, in turn.
func TestSmash64Stumbles(t *testing.T) {
	const short = "\x01\x00\x05\x10u\x00g\x00"
	tests := []struct {
		name string
		says []string
		err  error
	}{
		{"short accept", []string{short, "\x00", "\x00"}, nil},
		{"accept as the third answer", []string{"\x00", "\x00", short, "\x00", "\x00"}, nil},
		{"accept as the fourth answer", []string{"\x00", "\x00", "\x00", short}, errGivesUp},
		{"reject", []string{"\x01\x00\x01\x20"}, errGivesUp},
		{"unknown kind", []string{"\x01\x00\x01\x16"}, errGivesUp},
		{"unknown kind later on", []string{short, "\x00", "\x01\x01\x01\x7F"}, errGivesUp},
		{"cut", []string{"\x02\x01\x05\x10u\x00g\x00"}, errGivesUp},
		{"three names", []string{"\x01\x00\x07\x10u\x00g\x00h\x00", "\x00"}, errGivesUp},
		{"reads into the next serial", []string{"\x02\x06\x05\x10u\x00g\x00\x05\x01\x02", "\x00"}, errGivesUp},
		{"whose serial may be 0", []string{"\x02\x01\x05\x10u\x00g\x00\x00\x01\x02", "\x00", "\x00"}, nil},
		{"PINGRQ's answer", []string{"\x00xxxxxxxxxx\x00"}, errTimeout},
		{"silent after the accept", []string{short}, errTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, 2048)
				for _, say := range tt.says {
					_, from, err := host.ReadFromUDPAddrPort(buf)
					if err != nil {
						return
					}
					host.WriteToUDPAddrPort([]byte(say), from)
				}
				host.ReadFromUDPAddrPort(buf) // keep the port until the end
			}()
			got := Smash64{Wait: 100 * time.Millisecond}.Check(t.Context(), host.LocalAddr().(*net.UDPAddr).AddrPort())
			if !is(got.Err, tt.err) || got.Success != (tt.err == nil) || got.Success && (got.User != "u" || got.Game != "g") {
				t.Errorf("%+v, want %v", got, tt.err)
			}
			host.Close()
			<-done
		})
	}
}

func TestSmash64MeetsStandIn(t *testing.T) {
	s, err := kaillera.ListenStandIn(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := make(chan kaillera.Report, 1)
	go func() {
		rep, err := s.Serve(ctx)
		if err != nil {
			t.Error(err)
		}
		reports <- rep
	}()
	to := netip.AddrPortFrom(loopback, s.Addr().Port())
	const checks = 20
	var longest, sum time.Duration
	for range checks {
		start := time.Now()
		got := Smash64{}.Check(t.Context(), to)
		took := time.Since(start)
		longest, sum = max(longest, took), sum+took
		if !got.Success || got.Err != nil || got.User != kaillera.StandInNick || got.Game != kaillera.StandInGame {
			t.Fatalf("%+v", got)
		}
	}
	t.Logf("a check took %v, the longest one %v", sum/checks, longest)
	if sum/checks > 100*time.Millisecond {
		t.Errorf("a check took %v", sum/checks)
	}
	cancel()
	rep := <-reports
	if len(rep.Visitors) != checks || rep.Players != 0 || rep.Visitors[0].Check != kaillera.CheckJoin || !rep.Visitors[0].Heard {
		t.Errorf("%+v", rep)
	}
	if got := (Smash64{Wait: 100 * time.Millisecond}).Check(t.Context(), to); got.Success || got.Err == nil {
		t.Errorf("after its end: %+v", got)
	}
}

func TestSmash64EndsWithContext(t *testing.T) {
	g := startGame(t, GameOptions{})
	g.Occupy(GameHalfOpen, netip.MustParseAddrPort("127.0.0.9:9"), 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan Smash64Verdict, 1)
	go func() { done <- Smash64{Wait: time.Hour}.Check(ctx, g.Addr()) }()
	await(t, g, func(v GameView) bool { return v.Counts.Datagrams == 1 })
	cancel()
	if got := <-done; got.Success || got.Err == nil {
		t.Errorf("%+v", got)
	}
}
