//go:build lab && linux

package lab

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/simhome"
)

// lossChecks is how many checks are made on a bad line; scripts/soak makes 200.
var lossChecks = flag.Int("checks", 50, "checks on a line that loses packets, at most 200")

const (
	lossAtOnce = 10
	lossPort   = 30000 // the first of the games' ports
)

// A line that loses one packet in ten, each way: of 200 checks of a fresh Project64KSE host 199 find
// it, and none leaves it half-open. The router has as many outer addresses, because a checker makes
// few checks of one address.
func TestLoss(t *testing.T) {
	t.Parallel()
	n := *lossChecks
	if n < 1 || n > 200 {
		t.Fatalf("-checks %d, want 1 to 200", n)
	}
	h := newHome(t)
	h.lab("router", "forward", fmt.Sprintf("%d-%d", lossPort, lossPort+n-1))
	for i := range n {
		if out, err := h.command("router", "ip", "addr", "add", lossAddr(i).String()+"/24", "dev", "wan0").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	c := h.checker("--rate", "100000", "--trusted-proxy", "11.77.0.1/32")
	games := h.games(lossPort, "-count", fmt.Sprint(n))
	for i := range n {
		games.await(5*time.Second, lossPort+uint16(i), "hosting", func(v simhome.GameView) bool { return v.Open })
	}
	h.lab("delay", "5", "10")

	start := time.Now()
	wrong := checkAll(c, n)
	took := time.Since(start)
	came, lossless, repeated := 0, 0, 0
	for i := range n {
		port := lossPort + uint16(i)
		v := games.await(5*time.Second, port, fmt.Sprintf("game %d idle", i), func(v simhome.GameView) bool {
			return v.State == simhome.GameIdle && v.Open
		})
		if v.Wedged() || len(v.Chats) != 0 || v.Counts.Malformed != 0 || v.Counts.Gaps != 0 {
			t.Errorf("check %d leaves %+v", i, v)
		}
		came += v.Counts.Datagrams
		if v.Counts.Datagrams == 4 { // PINGRQ at 0, 250 and 500 ms, and a request with its EXIT
			lossless++
		}
		if v.Counts.Reopened > 1 {
			repeated++
		}
	}
	t.Logf("%d checks in %v: %d wrong, no host left half-open or deaf; %d datagrams came in, %d hosts saw more than one visit",
		n, took.Round(time.Millisecond), wrong, came, repeated)
	if lossless == n {
		t.Error("the line has lost nothing: this proves nothing")
	}
	if wrong > 1 {
		t.Errorf("%d of %d verdicts are wrong, want at most 1", wrong, n)
	}
}

func lossAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{11, 77, 0, byte(20 + i)}) }

// checkAll asks for a check of each game, as the proxy of as many callers, and counts those that
// were not found.
func checkAll(c *checker, n int) (wrong int) {
	var mu sync.Mutex
	var tasks sync.WaitGroup
	slots := make(chan struct{}, lossAtOnce)
	for i := range n {
		slots <- struct{}{}
		tasks.Go(func() {
			defer func() { <-slots }()
			found, err := c.ask(lossAddr(i), lossPort+uint16(i))
			if err != nil {
				c.home.t.Errorf("check %d: %v", i, err)
			}
			if !found {
				mu.Lock()
				defer mu.Unlock()
				wrong++
				c.home.t.Logf("check %d: not found", i)
			}
		})
	}
	tasks.Wait()
	return wrong
}

// ask asks the checker for a check as a trusted proxy does for a caller.
func (c *checker) ask(caller netip.Addr, port uint16) (found bool, err error) {
	question := fmt.Sprintf(`{"host":%q,"port":%d}`, caller, port)
	req, err := http.NewRequestWithContext(c.home.t.Context(), http.MethodPost, checkURL, strings.NewReader(question))
	if err != nil {
		return false, err
	}
	req.Header.Set("X-Forwarded-For", caller.String())
	rsp, err := c.http.Do(req)
	if err != nil {
		return false, err
	}
	defer rsp.Body.Close()
	var answer struct {
		Message string
		Success bool
	}
	if err := json.NewDecoder(rsp.Body).Decode(&answer); err != nil {
		return false, err
	}
	if rsp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%s: %s", rsp.Status, answer.Message)
	}
	return answer.Success, nil
}
