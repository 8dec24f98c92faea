package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestDarkRouterIsAskedLittle: without power, or with its mapping service off, for hours: no hour has
// more than 1000 requests, and the port is open soon after it is back, unheard.
func TestDarkRouterIsAskedLittle(t *testing.T) {
	pcp, pmp, upnp := portmap.PCP, portmap.NATPMP, portmap.UPnP
	for _, row := range []struct {
		speaks []portmap.Protocol
		within time.Duration
	}{
		{[]portmap.Protocol{pcp}, 25 * time.Second},
		{[]portmap.Protocol{pmp}, 25 * time.Second},
		{[]portmap.Protocol{upnp}, 65 * time.Second},
		{[]portmap.Protocol{pcp, pmp, upnp}, 25 * time.Second},
	} {
		for _, how := range []simhome.Reach{simhome.Answers, simhome.Off, simhome.Silent} { // of a router with power
			t.Run(fmt.Sprint(row.speaks, ", without power: ", how == simhome.Answers, ", switched off: ", how == simhome.Off), func(t *testing.T) {
				inHouse(t, only(row.speaks...), func(h *house) {
					h.deaf.Store(true)
					h.pass(10 * time.Minute)
					if how == simhome.Answers {
						h.PowerOff()
					} else {
						h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = how, how, how })
						h.Flush()
					}
					for hour := range 3 {
						before := h.Requests().Total()
						h.pass(time.Hour)
						n := h.Requests().Total() - before
						h.atMost(1000, n, fmt.Sprint("requests in hour ", hour))
					}
					h.want(NoRouterAnswer)
					if how == simhome.Answers {
						h.PowerOn(true)
					} else {
						only(row.speaks...)(h)
					}
					if took := h.opens(); took > row.within {
						t.Errorf("open %s after the router came back", took)
					}
				})
			})
		}
	}
}

// TestNoKnocksAtStrangers: at a router that has never answered, or not for a day, nobody knocks.
func TestNoKnocksAtStrangers(t *testing.T) {
	inHouse(t, func(h *house) { h.PowerOff() }, func(h *house) {
		h.pass(time.Hour)
		before := h.Requests().Total()
		h.pass(time.Hour)
		h.atMost(12*12, h.Requests().Total()-before, "requests in an hour to nobody")
	})
	inHouse(t, nil, func(h *house) {
		h.pass(time.Minute)
		h.PowerOff()
		h.pass(25 * time.Hour)
		before := h.Requests().Total()
		h.pass(time.Hour)
		h.atMost(12*12, h.Requests().Total()-before, "requests in an hour after a day")
	})
}

// TestDarkRouterIsSeen: whatever was due first, the status stops saying that the port is open: after a
// poll and one silence, and a short one more where NAT-PMP tells the epoch and PCP has the mapping.
func TestDarkRouterIsSeen(t *testing.T) {
	pcp, pmp, upnp := portmap.PCP, portmap.NATPMP, portmap.UPnP
	for _, row := range []struct {
		speaks []portmap.Protocol
		within time.Duration
	}{
		{[]portmap.Protocol{pcp}, 24 * time.Second},
		{[]portmap.Protocol{pmp}, 24 * time.Second},
		{[]portmap.Protocol{upnp}, 26 * time.Second},
		{[]portmap.Protocol{pcp, upnp}, 24 * time.Second},
		{[]portmap.Protocol{pmp, upnp}, 24 * time.Second},
		{[]portmap.Protocol{pcp, pmp, upnp}, 26 * time.Second},
	} {
		for off := time.Duration(0); off < 2*time.Minute; off += 1300 * time.Millisecond {
			inHouse(t, only(row.speaks...), func(h *house) {
				h.pass(5*time.Minute + off)
				h.PowerOff()
				h.pass(row.within)
				if p := h.port(); p.open() {
					t.Errorf("%s, off %s after a poll: %s", row.speaks, off, p.Headline)
				}
			})
		}
	}
}
