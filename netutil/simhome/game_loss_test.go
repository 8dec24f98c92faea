package simhome

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/kaillera"
)

// By hand: go test -run TestProbeOnABadLine -game.checks 200 -game.budget 6s -game.seed 7
var (
	lossChecks = flag.Int("game.checks", 50, "checks over a line that loses packets")
	lossBudget = flag.Duration("game.budget", 1200*time.Millisecond, "time for each of them")
	lossSeed   = flag.Uint64("game.seed", 27886, "what is lost")
)

// lossyConn loses one in ten datagrams in each direction.
type lossyConn struct {
	net.Conn
	mu      sync.Mutex
	out, in *rand.Rand
	lost    int
}

func newLossyConn(c net.Conn, seed, number uint64) *lossyConn {
	return &lossyConn{Conn: c, out: rand.New(rand.NewPCG(seed, 2*number)), in: rand.New(rand.NewPCG(seed, 2*number+1))}
}

func (c *lossyConn) loses(r *rand.Rand) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.IntN(10) != 0 {
		return false
	}
	c.lost++
	return true
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if c.loses(c.out) {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *lossyConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.loses(c.in) {
			return n, err
		}
	}
}

// checkLossy probes once; "" if all is well.
func checkLossy(t *testing.T, to netip.AddrPort, ask kaillera.Ask, number int) (kaillera.Result, int) {
	conn, err := net.Dial("udp4", to.String())
	if err != nil {
		t.Error(err)
		return kaillera.Result{}, 0
	}
	defer conn.Close()
	lossy := newLossyConn(conn, *lossSeed, uint64(number))
	res, err := kaillera.Probe(t.Context(), lossy, kaillera.ProbeOptions{Ask: ask, App: "Project64k", Budget: *lossBudget})
	if err != nil {
		t.Error(err)
	}
	return res, lossy.lost
}

// TestProbeOnABadLine makes many checks of fresh hosts, each direction losing one packet in ten: all
// verdicts are right, no host is left half-open or wedged, and no chat line appears.
func TestProbeOnABadLine(t *testing.T) {
	hosts := []struct {
		name string
		kind GameKind
		ask  kaillera.Ask
		busy bool
	}{
		{"G1", GameG1, kaillera.AskLeast, false},
		{"G2", GameV05, kaillera.AskJoin, false},
		{"G2 with a player", GameRMG, kaillera.AskLeast, true},
	}
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var wrong, lost, late, tries int
			var longest time.Duration
			inBatches(*lossChecks, func(i int) {
				g, err := StartGame(t.Context(), GameOptions{Kind: h.kind, Addr: ownAddr, RebindGap: 10 * time.Millisecond})
				if err != nil {
					t.Error(err)
					return
				}
				defer g.Close()
				left := GameIdle
				if h.busy {
					left = GameConnected
					g.Occupy(left, netip.MustParseAddrPort("127.0.0.9:9"), 77)
				}
				start := time.Now()
				res, dropped := checkLossy(t, g.Addr(), h.ask, i)
				took := time.Since(start)
				v := await(t, g, func(v GameView) bool { return v.State == left && v.Open })
				if v.Wedged() || len(v.Chats) != 0 || v.Counts.Malformed != 0 {
					t.Errorf("check %d, seed %d, leaves %+v", i, *lossSeed, v)
				}
				mu.Lock()
				defer mu.Unlock()
				if !res.Answered || res.Accepted == h.busy && h.ask == kaillera.AskJoin {
					wrong++
					t.Logf("check %d, seed %d: %+v", i, *lossSeed, res)
				}
				lost += dropped
				tries += res.Tries
				longest = max(longest, took)
				if v.Counts.Reopened > 1 {
					late++
				}
			})
			summary := fmt.Sprintf("%d checks, seed %d: %d wrong, %d datagrams lost of some %d sent, %d hosts saw more than one Look, longest %v",
				*lossChecks, *lossSeed, wrong, lost, tries, late, longest.Round(time.Millisecond))
			t.Log(summary)
			if lost == 0 || wrong*200 > *lossChecks {
				t.Error(summary)
			}
		})
	}
}

// inBatches runs many checks, 25 at a time.
func inBatches(n int, check func(i int)) {
	var tasks sync.WaitGroup
	slots := make(chan struct{}, 25)
	for i := range n {
		slots <- struct{}{}
		tasks.Go(func() {
			defer func() { <-slots }()
			check(i)
		})
	}
	tasks.Wait()
}
