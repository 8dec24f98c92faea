package kaillera

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestProbeTimes pins what is sent when. A change here changes how many checks go wrong on a line that
// loses packets, see DefaultBudget.
func TestProbeTimes(t *testing.T) {
	least := []sent{
		{0, ping}, {250 * ms, ping}, {500 * ms, ping}, {500 * ms, look}, {1500 * ms, ping}, {1500 * ms, look},
		{2500 * ms, ping}, {2500 * ms, look}, {3500 * ms, ping}, {3500 * ms, look}, {4500 * ms, ping}, {4500 * ms, look},
	}
	pings := slices.DeleteFunc(slices.Clone(least), func(s sent) bool { return s.what == look })
	tests := []struct {
		name string
		o    ProbeOptions
		host []answerer
		want []sent
	}{
		{"least", ProbeOptions{}, nil, least},
		{"ping", ProbeOptions{Ask: AskPing}, nil, pings},
		{"join", ProbeOptions{Ask: AskJoin}, nil, least},
		{"join after an answer", ProbeOptions{Ask: AskJoin}, on(onPing(1, reply{80 * ms, pong})), []sent{
			{0, ping}, {80 * ms, look}, {1080 * ms, look}, {2080 * ms, look}, {3080 * ms, look}, {4080 * ms, look},
		}},
		{"join after an answer that was late", ProbeOptions{Ask: AskJoin}, on(onPing(1, reply{600 * ms, pong})), []sent{
			{0, ping}, {250 * ms, ping}, {500 * ms, ping}, {500 * ms, look}, {1500 * ms, look}, {2500 * ms, look}, {3500 * ms, look}, {4500 * ms, look},
		}},
		{"late to every step", ProbeOptions{}, on(onPing(1, reply{0, stall}), onLook(1, reply{0, stall})), []sent{
			{0, ping}, {900 * ms, ping}, {1150 * ms, ping}, {1150 * ms, look}, {2150 * ms, ping}, {2150 * ms, look},
			{3150 * ms, ping}, {3150 * ms, look}, {4150 * ms, ping}, {4150 * ms, look}, {5150 * ms, ping}, {5150 * ms, look},
		}},
		{"no more after the alert", ProbeOptions{}, on(onLook(1, reply{900 * ms, alert})), least[:4]},
		{"token", ProbeOptions{Ask: AskToken}, nil, []sent{
			{0, token}, {250 * ms, token}, {500 * ms, token}, {1500 * ms, token}, {2500 * ms, token}, {3500 * ms, token}, {4500 * ms, token},
		}},
		{"half the budget", ProbeOptions{Budget: 3 * time.Second}, nil, halved(least)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if run := probeVirtually(t, tt.o, tt.host); !slices.Equal(run.sent, tt.want) {
				t.Errorf("sent %v\nwant %v", run.sent, tt.want)
			}
		})
	}
}

func halved(all []sent) (half []sent) {
	for _, s := range all {
		half = append(half, sent{s.at / 2, s.what})
	}
	return half
}

func TestProbeIsCutShort(t *testing.T) {
	t.Run("before it began", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if run := probePipe(ctx, ProbeOptions{}, nil); !errors.Is(run.err, context.Canceled) || len(run.sent) != 0 {
				t.Errorf("sent %v, %v", run.sent, run.err)
			}
		})
	})
	t.Run("on its way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 600*ms)
			defer cancel()
			run := probePipe(ctx, ProbeOptions{Ask: AskJoin}, on(onPing(1, reply{80 * ms, pong})))
			if !errors.Is(run.err, context.DeadlineExceeded) || run.took != 600*ms || !run.res.Answered {
				t.Errorf("after %v: %+v, %v", run.took, run.res, run.err)
			}
		})
	})
	t.Run("by the socket", func(t *testing.T) {
		ours, theirs := net.Pipe()
		theirs.Close()
		if res, err := Probe(t.Context(), ours, ProbeOptions{}); err == nil || res != (Result{}) {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

// TestProbeOnTheWire asks a port that is closed and one that is silent.
func TestProbeOnTheWire(t *testing.T) {
	host, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	to := host.LocalAddr().(*net.UDPAddr).AddrPort()
	silent, err := Probe(t.Context(), dial(t, to), ProbeOptions{Budget: 240 * ms})
	if err != nil || silent != (Result{Tries: silent.Tries}) || silent.Tries < 4 {
		t.Errorf("silent: %+v, %v", silent, err)
	}
	host.Close()
	for _, ask := range []Ask{AskLeast, AskPing, AskJoin, AskToken} {
		start := time.Now()
		res, err := Probe(t.Context(), dial(t, to), ProbeOptions{Ask: ask, Budget: 24 * 50 * ms})
		if err != nil || !res.Refused || res.Answered {
			t.Errorf("closed: %+v, %v", res, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("a refusal took %v", took)
		}
	}
}

// refusedConn learns of a closed port when it writes, and then sends nothing.
type refusedConn struct {
	net.Conn
	pending int
}

func (c *refusedConn) Write(b []byte) (int, error) {
	if c.pending > 0 {
		c.pending--
		return 0, &net.OpError{Op: "write", Err: portClosed}
	}
	return c.Conn.Write(b)
}

// TestProbeRefusedWhenWriting: the datagram that could not be sent is sent after all, and the refusal
// of an earlier one counts.
func TestProbeRefusedWhenWriting(t *testing.T) {
	host, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	to := host.LocalAddr().(*net.UDPAddr).AddrPort()
	res, err := Probe(t.Context(), &refusedConn{dial(t, to), 1}, ProbeOptions{Ask: AskPing, Budget: 240 * ms})
	if err != nil || !res.Refused || res.Tries < 2 {
		t.Errorf("refused once: %+v, %v", res, err)
	}
	res, err = Probe(t.Context(), &refusedConn{dial(t, to), 100}, ProbeOptions{Budget: 240 * ms})
	if !errors.Is(err, portClosed) || !res.Refused || res.Tries != 0 {
		t.Errorf("refused always: %+v, %v", res, err)
	}
}

// TestProbeLeavesTheSocket: the caller's deadline-free socket is his again.
func TestProbeLeavesTheSocket(t *testing.T) {
	echo, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	conn := dial(t, echo.LocalAddr().(*net.UDPAddr).AddrPort())
	Probe(t.Context(), conn, ProbeOptions{Budget: 24 * ms})
	from := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	if _, err := echo.WriteToUDPAddrPort([]byte("hello"), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 10)); n != 5 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

// FuzzProbeHears lets a probe hear anything after each of its ways to ask.
func FuzzProbeHears(f *testing.F) {
	f.Add([]byte(pong), []byte(accept))
	f.Add([]byte(alert), []byte(alerted))
	f.Add([]byte(framed), TokenAnswer(Token{}))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, ask := range []Ask{AskLeast, AskPing, AskJoin, AskToken} {
			p := newProbe(nil, ProbeOptions{Ask: ask})
			p.step = 1
			if p.look != nil {
				p.looks = 1
			}
			p.hear(a)
			p.hear(b)
			if r := p.result(); ask == AskToken && r.Answered || r.Accepted && !r.Answered || r.Nick != Text([]byte(r.Nick)) {
				t.Fatalf("ask %d: %+v", ask, r)
			}
		}
	})
}
