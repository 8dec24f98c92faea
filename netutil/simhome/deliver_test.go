package simhome

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// reaches tells where a stranger's packet to our port ends up: "" is nowhere.
func reaches(h *Home) string {
	to, ok := h.Deliver(portmap.UDP, port)
	if !ok {
		return ""
	}
	return to.String()
}

const atUs = "192.168.1.23:27886"

// mapIt maps our port by a protocol and fails the test if that is refused.
func mapIt(t *testing.T, h *Home, p portmap.Protocol) portmap.Mapping {
	t.Helper()
	m, err := h.Client(p, us).Map(t.Context(), request())
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return m
}

// TestDeliver lets things happen to a home whose port is mapped for an hour.
func TestDeliver(t *testing.T) {
	cases := []struct {
		name    string
		happens func(*testing.T, *Home)
		want    string
	}{
		{"nothing", func(*testing.T, *Home) {}, atUs},
		{"lease still runs", func(*testing.T, *Home) { time.Sleep(time.Hour - time.Second) }, atUs},
		{"lease is over", func(*testing.T, *Home) { time.Sleep(time.Hour) }, ""},
		{"leases were ended", func(_ *testing.T, h *Home) { h.ExpireAll() }, ""},
		{"router rebooted", func(_ *testing.T, h *Home) { h.Reboot(false) }, ""},
		{"no power", func(_ *testing.T, h *Home) { h.PowerOff() }, ""},
		{"table flushed", func(_ *testing.T, h *Home) { h.Flush() }, ""},
		{"service crashed", func(_ *testing.T, h *Home) { h.Crash() }, atUs},
		{"nobody ends a lease after a crash", func(_ *testing.T, h *Home) { h.Crash(); time.Sleep(2 * time.Hour) }, atUs},
		{"it is permanent once the service is back", func(_ *testing.T, h *Home) { h.Crash(); h.Return(); time.Sleep(2 * time.Hour) }, atUs},
		{"WAN down", func(_ *testing.T, h *Home) { h.SetWAN(false) }, ""},
		{"WAN back", func(_ *testing.T, h *Home) { h.SetWAN(false); h.SetWAN(true) }, atUs},
		{"another public address", func(_ *testing.T, h *Home) { h.Renumber(netip.MustParseAddr("11.77.0.33")) }, atUs},
		{"double NAT", func(_ *testing.T, h *Home) { h.SetOuter(netip.MustParseAddr("192.168.0.10")) }, ""},
		{"carrier NAT", func(_ *testing.T, h *Home) { h.SetOuter(netip.MustParseAddr("100.64.1.1")) }, ""},
		{"the router's address is stale", func(_ *testing.T, h *Home) { h.SetPublic(netip.MustParseAddr("11.77.0.99")) }, ""},
		{"this PC has another address", func(_ *testing.T, h *Home) { h.SetSelf(netip.MustParseAddr("192.168.1.24")) }, atUs},
		{"another host took the port", func(_ *testing.T, h *Home) { h.Take(neighbor, portmap.UDP, port) }, "192.168.1.50:27886"},
		{"the same number of TCP", func(_ *testing.T, h *Home) { h.Take(neighbor, portmap.TCP, port) }, atUs},
		{"the entry was deleted", func(_ *testing.T, h *Home) { h.Release(portmap.UDP, port) }, ""},
		{"forwarded by hand, too", func(_ *testing.T, h *Home) {
			h.Forward(portmap.UDP, port, netip.AddrPortFrom(neighbor, 5), true)
		}, "192.168.1.50:5"},
		{"that was undone", func(_ *testing.T, h *Home) {
			h.Forward(portmap.UDP, port, netip.AddrPortFrom(neighbor, 5), true)
			h.Unforward(portmap.UDP, port)
		}, atUs},
		{"not forwarding", func(_ *testing.T, h *Home) { h.Configure(func(f *Faults) { f.NotForwarding = true }) }, ""},
		{"stalled and renewed", func(t *testing.T, h *Home) { h.Stall(); mapIt(t, h, portmap.UPnP) }, ""},
		{"stalled, deleted and added", func(t *testing.T, h *Home) {
			h.Stall()
			if err := h.Client(portmap.UPnP, us).Unmap(t.Context(), mapIt(t, h, portmap.UPnP)); err != nil {
				t.Fatal(err)
			}
			mapIt(t, h, portmap.UPnP)
		}, atUs},
		{"killed after a day in spite of renewals", func(t *testing.T, h *Home) {
			h.Configure(func(f *Faults) { f.KilledAt24h = true })
			for range 47 {
				time.Sleep(30 * time.Minute)
				mapIt(t, h, portmap.UPnP)
			}
			time.Sleep(30 * time.Minute)
		}, ""},
		{"a clean-up that does not mind one entry", func(_ *testing.T, h *Home) {
			h.Configure(func(f *Faults) { f.CleanEvery, f.CleanOver = 10*time.Minute, 1 })
			time.Sleep(11 * time.Minute)
		}, atUs},
		{"a clean-up of a full table", func(_ *testing.T, h *Home) {
			h.Configure(func(f *Faults) { f.CleanEvery, f.CleanOver = 10*time.Minute, 1 })
			h.Take(neighbor, portmap.UDP, 1)
			time.Sleep(11 * time.Minute)
		}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				mapIt(t, h, portmap.UPnP)
				c.happens(t, h)
				if got := reaches(h); got != c.want {
					t.Errorf("a stranger's packet ends at %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestBehind puts a router behind another one: only when both forward, a packet comes in.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		above := New(Options{Gateway: netip.MustParseAddr("192.168.0.1"), Self: netip.MustParseAddr("192.168.0.10")})
		h := New(Options{})
		h.Behind(above, above.Self())
		if seen, err := h.Public(); err != nil || seen != public || h.Outer() != above.Self() {
			t.Fatalf("public %s (%v), outer %s", seen, err, h.Outer())
		}
		mapIt(t, h, portmap.PCP)
		if got := reaches(h); got != "" {
			t.Fatalf("came in at %s, though the outer router forwards nothing", got)
		}
		r := request()
		r.Internal = netip.AddrPortFrom(above.Self(), port)
		if _, err := above.Client(portmap.PCP, above.Self()).Map(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := reaches(h); got != atUs {
			t.Fatalf("ends at %q, though both forward", got)
		}
		above.Take(netip.MustParseAddr("192.168.0.99"), portmap.UDP, port)
		if got := reaches(h); got != "" {
			t.Fatalf("came in at %s, though the outer router forwards to another host", got)
		}
		above.Take(above.Self(), portmap.UDP, port)
		h.Flush()
		if got := reaches(h); got != "" {
			t.Fatalf("came in at %s, though the inner router forwards nothing", got)
		}
	})
}

func TestTableLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		mapIt(t, h, portmap.PCP)
		h.Take(neighbor, portmap.TCP, 80)
		h.Forward(portmap.UDP, 53, netip.AddrPortFrom(neighbor, 53), true)
		time.Sleep(10 * time.Minute)
		got := h.Table()
		want := []Entry{
			{Transport: "tcp", External: 80, Internal: netip.AddrPortFrom(neighbor, 80), Protocol: portmap.UPnP, Description: "another host"},
			{Transport: "udp", External: 53, Internal: netip.AddrPortFrom(neighbor, 53), Description: manualDescription},
			{Transport: "udp", External: port, Internal: netip.AddrPortFrom(us, port), Protocol: portmap.PCP, Description: "PCP",
				Lease: time.Hour, Left: 50*time.Minute - answerTime, Nonce: portmap.Nonce{1, 2, 3}},
		}
		if len(got) != len(want) {
			t.Fatalf("table is %+v", got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("line %d is\n%+v, want\n%+v", i, got[i], want[i])
			}
		}
	})
}
