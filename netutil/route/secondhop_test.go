package route

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// labRoute is a way out for tests; nothing is sent by it.
func labRoute() Route {
	return Route{Gateway: netip.MustParseAddr("192.168.77.1"), Local: netip.MustParseAddr("192.168.77.2")}
}

// answers makes a probe of what becomes of one after the other: an address whose router says that the
// hops ran out, the same with a reason behind a space, "" for silence, "error".
func answers(list ...string) (probeFunc, *int) {
	sent := new(int)
	return func(ctx context.Context, r Route, target netip.AddrPort) (answer, error) {
		text := ""
		if *sent < len(list) {
			text = list[*sent]
		}
		*sent++
		if r != labRoute() || target != probeTarget {
			return answer{}, errors.New("wrong way or target")
		}
		switch text {
		case "":
			<-ctx.Done()
			return answer{}, ctx.Err()
		case "error":
			return answer{}, errors.New("operation not permitted")
		}
		from, refused, _ := strings.Cut(text, " ")
		return answer{from: netip.MustParseAddr(from), refused: refused}, nil
	}, sent
}

func TestSecondHop(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		want    string // the address
		err     error
		says    string
		sent    int
		took    time.Duration
	}{
		{name: "private", answers: []string{"192.168.1.1"}, want: "192.168.1.1", sent: 1},
		{name: "carrier NAT", answers: []string{"100.64.0.1"}, want: "100.64.0.1", sent: 1},
		{name: "public", answers: []string{"11.77.0.1"}, want: "11.77.0.1", sent: 1},
		{name: "the first two are lost", answers: []string{"", "", "10.0.0.1"}, want: "10.0.0.1", sent: 3, took: 2 * probeWait},
		{name: "silence", err: ErrNoSecondHop, sent: 3, took: 3 * probeWait},
		{name: "only the gateway", answers: []string{"192.168.77.1", "192.168.77.1", "192.168.77.1"}, err: ErrNoSecondHop,
			says: "came from 192.168.77.1", sent: 3},
		{name: "this PC, then the second hop", answers: []string{"192.168.77.2", "10.0.0.1"}, want: "10.0.0.1", sent: 2},
		{name: "impossible addresses", answers: []string{"127.0.0.1", "224.0.0.1", "255.255.255.255"}, err: ErrNoSecondHop,
			says: "255.255.255.255", sent: 3},
		{name: "refused", answers: []string{"192.168.77.1 network unreachable"}, says: "192.168.77.1 answered", sent: 1,
			err: RefusedError{From: netip.MustParseAddr("192.168.77.1"), Reason: "network unreachable"}},
		{name: "the system does not let us", answers: []string{"error"}, says: "behind 192.168.77.1: operation not permitted", sent: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				probe, sent := answers(c.answers...)
				got, err := secondHop(t.Context(), labRoute(), probe)
				if got.IsValid() != (c.want != "") || got.IsValid() && got.String() != c.want {
					t.Errorf("%v, want %q", got, c.want)
				}
				if (err == nil) != (c.want != "") || c.err != nil && !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%q does not say %q", err, c.says)
				}
				if took := time.Since(begin); *sent != c.sent || took != c.took {
					t.Errorf("%d probes in %v, want %d in %v", *sent, took, c.sent, c.took)
				}
			})
		})
	}
}

func TestSecondHopEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), probeWait+time.Millisecond)
		defer cancel()
		begin := time.Now()
		probe, sent := answers()
		if _, err := secondHop(ctx, labRoute(), probe); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNoSecondHop) {
			t.Errorf("error %v, want that of the context", err)
		}
		if took := time.Since(begin); *sent != 2 || took != probeWait+time.Millisecond {
			t.Errorf("%d probes in %v", *sent, took)
		}
	})
}

func TestSecondHopOfNoRoute(t *testing.T) {
	six := Route{Gateway: netip.MustParseAddr("fe80::1"), Local: netip.MustParseAddr("fe80::2")}
	for _, r := range []Route{{}, six} {
		if _, err := SecondHop(t.Context(), r); !errors.Is(err, ErrNoGateway) {
			t.Errorf("%v: error %v, want ErrNoGateway", r, err)
		}
	}
}
