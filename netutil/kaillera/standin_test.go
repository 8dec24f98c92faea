package kaillera

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// standing is a stand-in that serves during a test.
type standing struct {
	*StandIn
	to     netip.AddrPort // on loopback
	cancel context.CancelFunc
	report chan Report
}

func stand(t *testing.T) *standing {
	t.Helper()
	in, err := ListenStandIn(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &standing{StandIn: in, to: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), in.Addr().Port()), report: make(chan Report, 1)}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(t.Context())
	go func() {
		rep, err := in.Serve(ctx)
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
		s.report <- rep
	}()
	t.Cleanup(func() { in.Close() })
	return s
}

// end stops the stand-in and tells what it saw.
func (s *standing) end() Report {
	s.cancel()
	return <-s.report
}

func dial(t *testing.T, to netip.AddrPort) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp4", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestProbeMeetsStandIn(t *testing.T) {
	tests := []struct {
		ask  Ask
		want Result
		seen Check
	}{
		{AskLeast, Result{Answered: true, Generation: G2OrG3, Tries: 1}, CheckPing},
		{AskPing, Result{Answered: true, Generation: G2OrG3, Tries: 1}, CheckPing},
		{AskJoin, Result{Answered: true, Accepted: true, Generation: G2, Nick: StandInNick, Game: StandInGame, Tries: 2}, CheckLook},
		{AskToken, Result{Answered: true, Tries: 1}, CheckToken},
	}
	for _, tt := range tests {
		s := stand(t)
		got, err := Probe(t.Context(), dial(t, s.to), ProbeOptions{Ask: tt.ask})
		if got.RTT <= 0 || got.RTT > time.Second {
			t.Errorf("ask %d: RTT %v", tt.ask, got.RTT)
		}
		got.RTT = 0
		if err != nil || got != tt.want {
			t.Errorf("ask %d: got %+v (%v), want %+v", tt.ask, got, err, tt.want)
		}
		rep := s.end()
		if len(rep.Visitors) != 1 || rep.Visitors[0].Check != tt.seen || rep.Answers != tt.want.Tries || rep.Strangers != 0 {
			t.Errorf("ask %d: report %+v", tt.ask, rep)
		}
	}
}

// bindAsGame takes the port as a game does, and gives it back.
func bindAsGame(port uint16) error {
	conn, err := net.ListenPacket("udp4", ":"+strconv.Itoa(int(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestStandInFreesThePort(t *testing.T) {
	ends := map[string]func(s *standing){
		"context": func(s *standing) { s.cancel() },
		"close":   func(s *standing) { s.Close(); s.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := stand(t)
			port := s.Addr().Port()
			if bindAsGame(port) == nil {
				t.Error("somebody else got the port, too")
			}
			start := time.Now()
			end(s)
			<-s.report
			if took := time.Since(start); took > StandInTime/2 {
				t.Errorf("the end took %v", took)
			}
			if err := bindAsGame(port); err != nil {
				t.Errorf("the port is not free: %v", err)
			}
		})
	}
	t.Run("close alone", func(t *testing.T) {
		s, err := ListenStandIn(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := bindAsGame(s.Addr().Port()); err != nil {
			t.Errorf("the port is not free: %v", err)
		}
	})
	t.Run("its time is over", func(t *testing.T) {
		s, err := listenStandIn(t.Context(), 0, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if rep, err := s.Serve(t.Context()); err != nil || rep.Answers != 0 {
			t.Errorf("%+v, %v", rep, err)
		}
		if err := bindAsGame(s.Addr().Port()); err != nil {
			t.Errorf("the port is not free: %v", err)
		}
	})
}

// TestStandInKeepsOff: a port that a game holds is not shared, whichever address it is bound to.
func TestStandInKeepsOff(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "127.0.0.1:0"} {
		game, err := net.ListenPacket("udp4", addr)
		if err != nil {
			t.Fatal(err)
		}
		port := game.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		s, err := ListenStandIn(t.Context(), port)
		if !errors.Is(err, ErrPortTaken) {
			t.Errorf("beside %s: %v", addr, err)
		}
		if s != nil {
			s.Close()
		}
		game.Close()
	}
}

// BenchmarkResponder is the time between a request's arrival and its answer's leave, without the
// system's part.
func BenchmarkResponder(b *testing.B) {
	r := newResponder()
	look := Look("n", "a")
	for b.Loop() {
		r.visitors[stranger] = nil
		delete(r.visitors, stranger)
		r.inSecond = 0
		if r.reply(look, stranger, noon) == nil {
			b.Fatal("no answer")
		}
	}
}
