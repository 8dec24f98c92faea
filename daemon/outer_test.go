package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestNewOuterAddressUnheard: the provider gives another address at any moment of a poll, and nothing is
// announced. Status and history name the new one within 25 s by every protocol; by PCP because the epoch
// starts anew. Where it goes on, the address comes with a refreshed mapping or by UPnP.
func TestNewOuterAddressUnheard(t *testing.T) {
	pcp, pmp, upnp := portmap.PCP, portmap.NATPMP, portmap.UPnP
	for _, row := range []struct {
		speaks []portmap.Protocol
		goesOn bool
		within time.Duration
	}{
		{[]portmap.Protocol{upnp}, false, 25 * time.Second},
		{[]portmap.Protocol{upnp}, true, 25 * time.Second},
		{[]portmap.Protocol{pmp}, false, 25 * time.Second},
		{[]portmap.Protocol{pmp}, true, 25 * time.Second},
		{[]portmap.Protocol{pmp, upnp}, true, 25 * time.Second},
		{[]portmap.Protocol{pcp, pmp, upnp}, true, 25 * time.Second},
		{[]portmap.Protocol{pcp}, false, 25 * time.Second},
		{[]portmap.Protocol{pcp, upnp}, false, 25 * time.Second},
		{[]portmap.Protocol{pcp, upnp}, true, 45 * time.Second},
		{[]portmap.Protocol{pcp}, true, 65 * time.Second},
	} {
		t.Run(fmt.Sprint(row.speaks, ", epoch goes on: ", row.goesOn), func(t *testing.T) {
			for off := time.Duration(0); off < time.Minute; off += 7 * time.Second {
				inHouse(t, func(h *house) {
					only(row.speaks...)(h)
					h.Configure(func(f *simhome.Faults) { f.EpochGoesOn = row.goesOn })
				}, func(h *house) {
					h.deaf.Store(true)
					h.pass(5*time.Minute + off)
					h.renumbered(row.within)
				})
			}
		})
	}
}

// renumbered gives the router another address, and wants it in status and history in time.
func (h *house) renumbered(within time.Duration) {
	h.t.Helper()
	h.Renumber(netip.MustParseAddr("11.77.0.33"))
	h.pass(within)
	h.want(CodeReady)
	if a := h.port().Address; a != "11.77.0.33:27886" {
		h.t.Errorf("%s later: address %s", within, a)
	}
	if !slices.ContainsFunc(h.events(), func(e Event) bool {
		return e.Kind == "address" && strings.Contains(e.Text, "changed from 11.77.0.2 to 11.77.0.33")
	}) {
		h.t.Errorf("history %+v", h.events())
	}
}

// TestNewOuterAddressMappedByUPnP: PCP tells the epoch, and UPnP has the mapping.
func TestNewOuterAddressMappedByUPnP(t *testing.T) {
	for off := time.Duration(0); off < 2*time.Minute; off += 7 * time.Second {
		inHouse(t, func(h *house) {
			only(portmap.PCP, portmap.UPnP)(h)
			h.Configure(func(f *simhome.Faults) { f.Codes.PCP = 2 })
		}, func(h *house) {
			h.deaf.Store(true)
			h.pass(time.Hour + off)
			h.renumbered(25 * time.Second)
		})
	}
}

// TestIdleRouterIsAskedLittle: however many ports and protocols, at most 300 requests an hour, renewals
// and all. One port is read back each minute, and the router asked about itself every 20 s.
func TestIdleRouterIsAskedLittle(t *testing.T) {
	pcp, pmp, upnp := portmap.PCP, portmap.NATPMP, portmap.UPnP
	for _, row := range []struct {
		speaks  []portmap.Protocol
		refuses bool // to map but by UPnP
		own, of int  // of one port in an hour: questions about the router itself, all requests
	}{
		{[]portmap.Protocol{upnp}, false, 180, 242},
		{[]portmap.Protocol{pcp}, false, 180, 240},
		{[]portmap.Protocol{pmp}, false, 180, 182},
		{[]portmap.Protocol{pcp, upnp}, false, 270, 272},
		{[]portmap.Protocol{pcp, upnp}, true, 228, 290},
		{[]portmap.Protocol{pmp, upnp}, true, 180, 242},
		{[]portmap.Protocol{pcp, pmp, upnp}, false, 180, 182},
	} {
		for _, ports := range []int{1, 8, configs.MaxPorts} {
			t.Run(fmt.Sprint(row.speaks, ", refuses: ", row.refuses, ", ports: ", ports), func(t *testing.T) {
				settings := manyPorts()
				settings.Ports = settings.Ports[:ports]
				inHouseWith(t, settings, func(h *house) {
					only(row.speaks...)(h)
					if row.refuses {
						h.Configure(func(f *simhome.Faults) { f.Codes.PCP, f.Codes.PMP = 9, 5 })
					}
				}, func(h *house) {
					h.pass(10 * time.Minute)
					before := h.Requests()
					h.pass(3 * time.Hour)
					after := h.Requests()
					all, own := after.Total()-before.Total(), 0
					for _, p := range row.speaks {
						own += after.Of(p, simhome.OpAnnounce, simhome.OpAddress) - before.Of(p, simhome.OpAnnounce, simhome.OpAddress)
					}
					h.atMost(3*300, all, "requests in three hours")
					all, own = all/3, own/3
					if ports == 1 && (own < row.own-5 || own > row.own+5 || all < row.of-5 || all > row.of+5) {
						t.Errorf("%d questions about itself, %d requests in all; want %d and %d", own, all, row.own, row.of)
					}
				})
			})
		}
	}
}
