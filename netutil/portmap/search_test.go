package portmap

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// both speaks PCP and NAT-PMP.
func bothPMP(q pmpQuestion) [][]byte {
	if q.data[0] == pcpVersion {
		return [][]byte{pcpHello}
	}
	return [][]byte{natpmpOuter}
}

func pmpSearch(r *pmpRouter) Search {
	return Search{Gateway: localhost, Local: localhost, Protocols: []Protocol{NATPMP, PCP}, Ports: r.ports()}
}

// run collects the answers, and sees that they come one at a time.
func runSearch(ctx context.Context, t *testing.T, s Search) map[Protocol]Answer {
	t.Helper()
	got := map[Protocol]Answer{}
	var inside atomic.Int32
	s.Run(ctx, func(a Answer) {
		if inside.Add(1) != 1 {
			t.Error("two answers at a time")
		}
		if _, again := got[a.Protocol]; again {
			t.Errorf("%s answered twice", a.Protocol)
		}
		got[a.Protocol] = a
		inside.Add(-1)
	})
	return got
}

func TestSearchAnswers(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	outside := netip.MustParseAddr("203.0.113.7")
	only := func(version byte, replies ...[]byte) func(pmpQuestion) [][]byte {
		return func(q pmpQuestion) [][]byte {
			if q.data[0] == version {
				return replies
			}
			if q.data[0] == pcpVersion {
				return [][]byte{patched(natpmpOuter, 3, 1)[:8]} // RFC 6886 section 3.5
			}
			return [][]byte{patched(pcpHello, 3, 1)}
		}
	}
	type want struct {
		client bool
		outer  Outer
		code   int
	}
	epoch := Outer{Epoch: 1000, HasEpoch: true}
	whole := Outer{Addr: outside, Epoch: 1000, HasEpoch: true}
	tests := []struct {
		name        string
		reply       func(pmpQuestion) [][]byte
		pcp, natpmp want
	}{
		{"speaks both", bothPMP, want{true, epoch, 0}, want{true, whole, 0}},
		{"NAT-PMP alone", only(0, natpmpOuter), want{false, Outer{}, 1}, want{true, whole, 0}},
		{"PCP alone", only(2, pcpHello), want{true, epoch, 0}, want{false, Outer{}, 1}},
		{"PCP that does not know ANNOUNCE", only(2, patched(pcpHello, 3, 4)), want{true, epoch, 0}, want{false, Outer{}, 1}},
		{"PCP that is switched off", only(2, patched(pcpHello, 3, 2)), want{true, epoch, 2}, want{false, Outer{}, 1}},
		{"NAT-PMP whose outer side is down", only(0, patched(natpmpOuter, 3, 3)), want{false, Outer{}, 1}, want{true, epoch, 3}},
		{"NAT-PMP that is switched off", only(0, patched(natpmpOuter, 3, 2)[:8]), want{false, Outer{}, 1}, want{true, epoch, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, tt.reply)
			got := runSearch(t.Context(), t, pmpSearch(r))
			if len(got) != 2 {
				t.Fatalf("got %d answers, want 2", len(got))
			}
			for p, want := range map[Protocol]want{PCP: tt.pcp, NATPMP: tt.natpmp} {
				a := got[p]
				var no *Refusal
				errors.As(a.Err, &no)
				if (a.Client != nil) != want.client || a.Outer != want.outer || (want.code == 0) != (a.Err == nil) || no != nil && no.Code != want.code {
					t.Errorf("%s: got %+v, want %+v", p, a, want)
				}
				if a.Client != nil && (a.Client.Name() != p || a.Client.Gateway() != localhost) {
					t.Errorf("%s: got a client for %s at %s", p, a.Client.Name(), a.Client.Gateway())
				}
			}
		})
	}
}

// PCP's packet leaves first: a start-up waits for its answer.
func TestSearchAsksPCPFirst(t *testing.T) {
	for range 20 {
		r := newPMPRouter(t, bothPMP)
		runSearch(t.Context(), t, pmpSearch(r))
		got := r.questions()
		if len(got) != 2 || got[0].data[0] != pcpVersion || got[1].data[0] != natpmpVersion {
			t.Fatalf("got %v, want PCP's question and then NAT-PMP's", got)
		}
	}
}

func TestSearchAsksOnlyWhatItShould(t *testing.T) {
	r := newPMPRouter(t, bothPMP)
	s := pmpSearch(r)
	s.Protocols = []Protocol{NATPMP}
	if got := runSearch(t.Context(), t, s); len(got) != 1 || got[NATPMP].Client == nil {
		t.Errorf("got %v, want NAT-PMP's answer alone", got)
	}
	if got := r.questions(); len(got) != 1 {
		t.Errorf("asked %d questions, want 1", len(got))
	}
	s.Protocols = []Protocol{}
	if got := runSearch(t.Context(), t, s); len(got) != 0 {
		t.Errorf("got %v, want nothing asked and nothing answered", got)
	}
}

func TestSearchPortClosed(t *testing.T) {
	closed := listenLoopback(t)
	s := Search{Gateway: localhost, Local: localhost, Protocols: []Protocol{PCP, NATPMP}, Ports: Ports{PMP: portOf(closed)}}
	closed.Close()
	got := runSearch(t.Context(), t, s)
	for _, p := range s.Protocols {
		if a := got[p]; a.Client != nil || !errors.Is(a.Err, ErrClosed) {
			t.Errorf("%s: got %+v, want ErrClosed", p, a)
		}
	}
}

func TestSearchWithoutAddress(t *testing.T) {
	got := runSearch(t.Context(), t, Search{Gateway: localhost, Protocols: []Protocol{PCP, NATPMP}})
	if len(got) != 2 || got[PCP].Err == nil || got[NATPMP].Err == nil {
		t.Errorf("got %v, want an error from both", got)
	}
}

// One protocol has answered, the other is silent, and then the context ends: what is not known
// gets no answer, and no goroutine stays behind.
func TestSearchContextEnds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := newPMPRouter(t, func(q pmpQuestion) [][]byte {
		if q.data[0] == pcpVersion {
			return [][]byte{pcpHello}
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	answers := 0
	pmpSearch(r).Run(ctx, func(a Answer) {
		answers++
		if a.Protocol != PCP || a.Client == nil {
			t.Errorf("got %+v, want PCP's answer", a)
		}
		cancel()
	})
	if answers != 1 {
		t.Errorf("got %d answers, want 1", answers)
	}
	pmpSearch(r).Run(ctx, func(a Answer) { t.Errorf("with a context that has ended: got %+v", a) })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v, want the end of the context to be noticed at once", took)
	}
	r.conn.Close()
}

// NAT-PMP's answer waits a moment for PCP's, and nothing else waits.
func TestSearchOrder(t *testing.T) {
	type event struct {
		at time.Duration
		p  Protocol
	}
	const ms = time.Millisecond
	tests := []struct {
		name      string
		protocols []Protocol
		come      []event // in order of time
		want      []event
	}{
		{"in one breath", nil, []event{{1 * ms, NATPMP}, {2 * ms, PCP}}, []event{{2 * ms, PCP}, {2 * ms, NATPMP}}},
		{"PCP first", nil, []event{{1 * ms, PCP}, {2 * ms, NATPMP}}, []event{{1 * ms, PCP}, {2 * ms, NATPMP}}},
		{"PCP late", nil, []event{{1 * ms, NATPMP}, {3750 * ms, PCP}}, []event{{1*ms + pcpGrace, NATPMP}, {3750 * ms, PCP}}},
		{"UPnP waits for nobody", nil, []event{{1 * ms, NATPMP}, {2 * ms, UPnP}, {3 * ms, PCP}}, []event{{2 * ms, UPnP}, {3 * ms, PCP}, {3 * ms, NATPMP}}},
		{"UPnP twice", nil, []event{{1 * ms, PCP}, {2 * ms, UPnP}, {3 * ms, UPnP}}, []event{{1 * ms, PCP}, {2 * ms, UPnP}, {3 * ms, UPnP}}},
		{"PCP not asked", []Protocol{NATPMP, UPnP}, []event{{1 * ms, NATPMP}, {2 * ms, UPnP}}, []event{{1 * ms, NATPMP}, {2 * ms, UPnP}}},
		{"the end comes first", nil, []event{{1 * ms, NATPMP}}, []event{{1 * ms, NATPMP}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				answers := make(chan Answer)
				go func() {
					for _, e := range tt.come {
						<-time.After(e.at - time.Since(began))
						answers <- Answer{Protocol: e.p}
					}
					close(answers)
				}()
				var got []event
				Search{Protocols: tt.protocols}.deliver(answers, func(a Answer) {
					got = append(got, event{time.Since(began), a.Protocol})
				})
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}
