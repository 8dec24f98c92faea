//go:build lab && linux

package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// knockEvery is how finely the time is measured for which a port is shut.
const knockEvery = 50 * time.Millisecond

// gate measures when packets from the internet come to the PC's port, without holding that port: a
// process that holds it would count as a game, under which nothing is moved.
type gate struct {
	home *home
	mu   sync.Mutex
	came []arrival
}

// arrival is one packet that came all the way to the PC.
type arrival struct {
	at   time.Time
	door string     // the outer address:port that it was sent to
	to   netip.Addr // the PC's address that it was led to
}

// gate knocks at each door every 50 ms until the test ends, each time as a new opponent: a router
// lets a flow through that it knows, even when the forwarding is gone.
func (h *home) gate(doors ...netip.AddrPort) *gate {
	h.t.Helper()
	g := &gate{home: h}
	var f *os.File
	err := h.inside("lan", func() (err error) {
		f, err = openTap("eth0", unix.ETH_P_IP)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { g.record(f) })
	wg.Go(func() {
		// In one namespace from its first to its last packet.
		err := h.inside("wan", func() error { return knockAt(doors, stop) })
		if err != nil {
			h.t.Errorf("knocking: %v", err)
		}
	})
	h.t.Cleanup(func() {
		close(stop)
		f.Close()
		wg.Wait()
	})
	return g
}

func knockAt(doors []netip.AddrPort, stop <-chan struct{}) error {
	tick := time.NewTicker(knockEvery)
	defer tick.Stop()
	for {
		for _, door := range doors {
			c, err := net.ListenUDP("udp4", nil)
			if err != nil {
				return err
			}
			// One that cannot leave is one that does not arrive.
			_, _ = c.WriteToUDPAddrPort([]byte("knock "+door.String()), door)
			c.Close()
		}
		select {
		case <-tick.C:
		case <-stop:
			return nil
		}
	}
}

func (g *gate) record(f *os.File) {
	buf := make([]byte, 2048)
	for {
		n, err := f.Read(buf)
		if errors.Is(err, unix.ENETDOWN) {
			continue // the cable is pulled
		}
		if err != nil {
			return
		}
		if a, ok := parseKnock(buf[:n]); ok {
			a.at = time.Now()
			g.mu.Lock()
			g.came = append(g.came, a)
			g.mu.Unlock()
		}
	}
}

// parseKnock reads an IPv4 packet of knockAt's that leads to the game's port.
func parseKnock(p []byte) (arrival, bool) {
	if len(p) < 20 || p[9] != unix.IPPROTO_UDP {
		return arrival{}, false
	}
	header := int(p[0]&15) * 4
	if header < 20 || len(p) < header+8 || binary.BigEndian.Uint16(p[header+2:]) != kaillera {
		return arrival{}, false
	}
	door, ok := strings.CutPrefix(string(p[header+8:]), "knock ")
	return arrival{door: door, to: netip.AddrFrom4([4]byte(p[16:20]))}, ok
}

// first is the first packet at or after since that matches; nil matches every one.
func (g *gate) first(since time.Time, match func(arrival) bool) (arrival, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.came {
		if !a.at.Before(since) && (match == nil || match(a)) {
			return a, true
		}
	}
	return arrival{}, false
}

// open waits until packets come in for the first time.
func (g *gate) open() {
	g.home.t.Helper()
	since := time.Now()
	eventually(g.home.t, 5*time.Second, "a packet comes in", func() bool {
		_, ok := g.first(since, nil)
		return ok
	})
}

// longestPause is the longest time in which nothing came in, between two packets that did.
func (g *gate) longestPause() (longest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := 1; i < len(g.came); i++ {
		longest = max(longest, g.came[i].at.Sub(g.came[i-1].at))
	}
	return longest
}

// shut fails the test unless nothing comes in for four knocks. Without it a test could pass that has
// not broken anything.
func (g *gate) shut() {
	g.home.t.Helper()
	settled := time.Now().Add(knockEvery)
	throughout(g.home.t, 5*knockEvery, "nothing comes in", func() bool {
		_, ok := g.first(settled, nil)
		return !ok
	})
}

// again waits for the first packet after the home has allowed it again, logs how long that took and
// fails the test when it was too long.
func (g *gate) again(name string, allowed time.Time, limit time.Duration, match func(arrival) bool) arrival {
	g.home.t.Helper()
	var a arrival
	eventually(g.home.t, limit+limit/2+5*time.Second, name+": packets come in again", func() (ok bool) {
		a, ok = g.first(allowed, match)
		return ok
	})
	told(g.home.t, name, a.at.Sub(allowed), limit)
	return a
}

// told logs and judges one measured time.
func told(t *testing.T, name string, took, limit time.Duration) {
	t.Helper()
	t.Logf("fault: %s shut %.2f s (limit %.0f s)", name, took.Seconds(), limit.Seconds())
	if took > limit {
		t.Errorf("%s: shut for %v, want at most %v", name, took.Round(time.Millisecond), limit)
	}
}

// history is the timeline, as the page serves it.
func (s *sitter) history() string {
	s.home.t.Helper()
	rsp, err := s.client.Get("http://" + page + "/api/v1/history")
	if err != nil {
		s.home.t.Fatal(err)
	}
	defer rsp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(rsp.Body, 1<<20))
	if err != nil || rsp.StatusCode != http.StatusOK {
		s.home.t.Fatalf("history: %s, %v", rsp.Status, err)
	}
	return string(text)
}

// returns tells when the router's mapping daemon has gone and is back: as soon as one of its UDP
// ports is bound again. Call it before the fault.
func (h *home) returns() <-chan time.Time {
	back := make(chan time.Time, 1)
	go func() {
		_ = h.inside("router", func() error {
			gone := false
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
				case <-h.t.Context().Done():
					return nil
				}
				table, err := os.ReadFile("/proc/thread-self/net/udp")
				if err != nil {
					return err
				}
				up := strings.Contains(string(table), fmt.Sprintf(":%04X ", 5351)) || strings.Contains(string(table), fmt.Sprintf(":%04X ", 1900))
				if gone && up {
					back <- time.Now()
					return nil
				}
				gone = gone || !up
			}
		})
	}()
	return back
}

// deaf keeps the router's announcements from the PC.
func (h *home) deaf() {
	h.t.Helper()
	h.nft("lan", `table inet deaf { chain in { type filter hook input priority 0; ip daddr { 224.0.0.1, 239.255.255.250 } udp dport { 5350, 1900 } drop; }; }`)
}

// grown lets a home come to rest: the program has looked at its entry a second time, and the router's
// epoch is so high that a restart shows in it.
func (h *home) grown() { h.pass(11 * time.Second) }

// flush empties the router's table behind its back. It believes its own memory of the table until it
// writes the next entry, which another PC asks for.
func (h *home) flush() (flushed time.Time) {
	h.t.Helper()
	h.lab("router", "flush")
	flushed = time.Now()
	out, err := h.command("lan2", "upnpc", "-e", "another game", "-a", "192.168.77.3", "30001", "30001", "udp", "3600").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "is redirected to") {
		h.t.Fatalf("upnpc: %v\n%s", err, out)
	}
	return flushed
}

// pass lets time go by, unless the test ends.
func (h *home) pass(d time.Duration) {
	select {
	case <-time.After(d):
	case <-h.t.Context().Done():
	}
}
