//go:build lab && linux

package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// A router that has lost its table in a reboot gets the entry again, at the latest with the next
// look at it.
func TestRouterReboots(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		router []string
		within time.Duration
	}{
		{"PCP", []string{"upnp=no"}, 22 * time.Second},    // the epoch is asked every 20 s
		{"UPnP", []string{"natpmp=no"}, 62 * time.Second}, // the entry is read every 60 s
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, tt.router...)
			s := h.start("")
			s.awaitGrant(2 * time.Second)
			door := h.watch(at(outer, kaillera))
			eventually(t, 2*time.Second, "a packet comes in", func() bool { return door.arrivals() > 0 })

			// Long enough off for its epoch to fall behind: this router was only just started.
			h.lab(append([]string{"router", "reboot", "5"}, tt.router...)...)
			back, before := time.Now(), door.arrivals()
			eventually(t, tt.within, "packets come in again", func() bool { return door.arrivals() > before })
			t.Logf("open %v after the router was back; shut for %v in all",
				time.Since(back).Round(time.Millisecond), door.longestPause().Round(time.Millisecond))
		})
	}
}

// A new address from the provider is shown at the latest with the next look at the router, and is
// the one that opponents reach.
func TestOuterAddressChanges(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.start("")
	s.awaitGrant(2 * time.Second)
	moved := netip.MustParseAddr("11.77.0.33")
	h.lab("wanip", moved.String())
	want := at(moved, kaillera)
	s.await(22*time.Second, "the new address in the status", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Verdict == daemon.Ready && p.Address == want.String()
	})
	h.reachable(want)
}

// Another PC has the port, and no other one is wanted: it is named, its entry stays, and the port is
// ours when it is free.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.lab("conflict", "on")
	theirs := fmt.Sprintf("%d->192.168.77.3:%d", kaillera, kaillera)
	s := h.start("[router]\nother_external_port = false\n")
	st := s.await(10*time.Second, "code port-taken", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.PortTaken
	})
	p := &st.Ports[0]
	checkBroken(t, p, daemon.StepMapping)
	if !strings.Contains(p.Headline, "192.168.77.3") || p.Mapping == nil || p.Mapping.Owner != "other" || p.Mapping.Holder != "192.168.77.3" {
		t.Errorf("headline %q, mapping %+v; want the holder 192.168.77.3 in both", p.Headline, p.Mapping)
	}
	checkStatusVerb(t, s, 1)
	h.wantRules(theirs)

	h.lab("conflict", "off")
	s.await(70*time.Second, "the port is ours", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Verdict == daemon.Ready && p.Address == at(outer, kaillera).String()
	})
	h.wantRules(ourRule)
	h.reachable(at(outer, kaillera))
}

// door records which packets come in from the internet, one every 50 ms, each a flow of its own as
// of a new opponent. It holds the game's port meanwhile.
type door struct {
	mu      sync.Mutex
	arrived []time.Time
}

// watch knocks at addr until the test ends.
func (h *home) watch(addr netip.AddrPort) *door {
	h.t.Helper()
	game, err := h.listenUDP("lan", kaillera)
	if err != nil {
		h.t.Fatal(err)
	}
	d, stop := &door{}, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 100)
		for {
			if _, _, err := game.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
			d.mu.Lock()
			d.arrived = append(d.arrived, time.Now())
			d.mu.Unlock()
		}
	})
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if c, err := h.dial("wan", "udp4", addr.String()); err == nil {
				_, _ = fmt.Fprint(c, "knock") // one that cannot leave is one that does not arrive
				c.Close()
			}
		}
	})
	h.t.Cleanup(func() {
		close(stop)
		game.Close()
		wg.Wait()
	})
	return d
}

func (d *door) arrivals() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.arrived)
}

func (d *door) longestPause() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var longest time.Duration
	for i := 1; i < len(d.arrived); i++ {
		longest = max(longest, d.arrived[i].Sub(d.arrived[i-1]))
	}
	return longest
}
