package simhome

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// TestRefusals says what each protocol answers to a request for our port, as a code; 0 is yes. The
// external port granted is ours unless said otherwise.
func TestRefusals(t *testing.T) {
	taken := func(h *Home) { h.Take(neighbor, portmap.UDP, port) }
	byHand := func(hidden bool) func(*Home) {
		return func(h *Home) { h.Forward(portmap.UDP, port, netip.AddrPortFrom(neighbor, port), hidden) }
	}
	both := func(a, b func(*Home)) func(*Home) { return func(h *Home) { a(h); b(h) } }
	fullTable := func(h *Home) {
		h.Take(neighbor, portmap.UDP, 1)
		h.Configure(func(f *Faults) { f.Slots = 1 })
	}
	cases := []struct {
		name           string
		harm           func(*Home)
		pcp, pmp, upnp int
		external       uint16 // as PCP and NAT-PMP grant it
	}{
		{"healthy", func(*Home) {}, 0, 0, 0, port},
		{"Deny", faulty(func(f *Faults) { f.Deny = true }), 2, 2, 606, 0},
		{"NoOuter", faulty(func(f *Faults) { f.NoOuter = true }), 8, 3, 501, 0},
		{"WAN down", func(h *Home) { h.SetWAN(false) }, 8, 3, 501, 0},
		{"taken", taken, 11, 0, 718, port + 1},
		{"taken, OtherPort", both(taken, faulty(func(f *Faults) { f.OtherPort = true })), 0, 0, 718, port + 1},
		{"taken, RefuseConflict", both(taken, faulty(func(f *Faults) { f.RefuseConflict = true })), 11, 4, 718, 0},
		{"taken, SamePortOnly", both(taken, faulty(func(f *Faults) { f.SamePortOnly = true })), 11, 4, 718, 0},
		{"by hand", byHand(false), 11, 0, 718, port + 1},
		{"by hand, ManualIs729", both(byHand(false), faulty(func(f *Faults) { f.ManualIs729 = true })), 11, 0, 729, port + 1},
		{"by hand, hidden", byHand(true), 0, 0, 0, port},
		{"Slots", fullTable, 10, 4, 728, 0},
		{"FullLies", both(fullTable, faulty(func(f *Faults) { f.FullLies = true })), 0, 0, 0, port},
		{"Codes", faulty(func(f *Faults) { f.Codes = Codes{UPnP: 727, PMP: 2, PCP: 3} }), 3, 2, 727, 0},
		{"PCP off", faulty(func(f *Faults) { f.PCP = Off }), 1, 0, 0, port},
		{"NAT-PMP off", faulty(func(f *Faults) { f.PMP = Off }), 0, 1, 0, port},
		{"all off", faulty(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Off, Off, Off }), -1, -1, -1, 0},
		{"all silent", faulty(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Silent, Silent, Silent }), -1, -1, -1, 0},
		{"crashed", func(h *Home) { h.Crash() }, -1, -1, -1, 0},
		{"no power", func(h *Home) { h.PowerOff() }, -1, -1, -1, 0},
	}
	for _, c := range cases {
		want := map[portmap.Protocol]int{portmap.PCP: c.pcp, portmap.NATPMP: c.pmp, portmap.UPnP: c.upnp}
		for _, p := range protocols {
			t.Run(c.name+"/"+string(p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := New(Options{})
					client := h.Client(p, us)
					c.harm(h)
					m, err := client.Map(t.Context(), request())
					if code(err) != want[p] {
						t.Fatalf("answered %v, want code %d", err, want[p])
					}
					if err == nil && p != portmap.UPnP && m.External.Port() != c.external {
						t.Errorf("granted port %d, want %d", m.External.Port(), c.external)
					}
				})
			})
		}
	}
}

// TestUPnPRules asks by AddPortMapping alone, without the retries that clients make.
func TestUPnPRules(t *testing.T) {
	old := netip.MustParseAddr("192.168.1.22")
	entry := ask{from: us, transport: portmap.UDP, internal: netip.AddrPortFrom(us, port), external: port, lease: time.Hour, exact: true}
	permanent, elsewhere, foreign, wild := entry, entry, entry, entry
	permanent.lease = 0
	elsewhere.external = port + 1
	foreign.from = neighbor
	wild.external = 0
	cases := []struct {
		name  string
		fault func(*Faults)
		ask   ask
		want  int
	}{
		{"healthy", func(*Faults) {}, entry, 0},
		{"for another host", func(*Faults) {}, foreign, 0},
		{"every port", func(*Faults) {}, wild, 716},
		{"SecureMode, IGDv2", func(f *Faults) { f.SecureMode = true }, foreign, 606},
		{"SecureMode, IGDv1", func(f *Faults) { f.SecureMode, f.IGD = true, IGDv1 }, foreign, 718},
		{"SecureMode, for itself", func(f *Faults) { f.SecureMode = true }, entry, 0},
		{"OnlyPermanent", func(f *Faults) { f.OnlyPermanent = true }, entry, 725},
		{"OnlyPermanent, permanent", func(f *Faults) { f.OnlyPermanent = true }, permanent, 0},
		{"RefuseFinite402", func(f *Faults) { f.RefuseFinite402 = true }, entry, 402},
		{"RefusePermanent402", func(f *Faults) { f.RefusePermanent402 = true }, permanent, 402},
		{"SamePortOnly", func(f *Faults) { f.SamePortOnly = true }, elsewhere, 724},
		{"second external port", func(*Faults) {}, elsewhere, 0},
		{"OneForEach", func(f *Faults) { f.OneForEach = true }, elsewhere, 718},
		{"OneForEach, the same", func(f *Faults) { f.OneForEach = true }, entry, 0},
		{"EarlyRenewal718", func(f *Faults) { f.EarlyRenewal718 = true }, entry, 718},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				if _, code := h.upnpAdd(entry); code != 0 {
					t.Fatalf("the first entry: %d", code)
				}
				h.Configure(c.fault)
				if _, code := h.upnpAdd(c.ask); code != c.want {
					t.Errorf("answered %d, want %d", code, c.want)
				}
			})
		})
	}
	t.Run("own entry at the former address", func(t *testing.T) {
		h := New(Options{})
		former := entry
		former.from, former.internal = old, netip.AddrPortFrom(old, port)
		h.upnpAdd(former)
		h.Configure(func(f *Faults) { f.SecureMode = true })
		if _, code := h.upnpAdd(entry); code != 718 {
			t.Errorf("adding answered %d, want 718", code)
		}
		if code := h.upnpDelete(us, key{portmap.UDP, port}); code != 606 {
			t.Errorf("deleting answered %d, want 606", code)
		}
	})
}

// TestLeases says what lease each fault makes of an hour, and what the router still lists later.
func TestLeases(t *testing.T) {
	cases := []struct {
		name    string
		fault   func(*Faults)
		p       portmap.Protocol
		ask     time.Duration
		granted time.Duration // as the client knows it
		after   time.Duration
		listed  bool
	}{
		{"as asked", func(*Faults) {}, portmap.PCP, time.Hour, time.Hour, 59 * time.Minute, true},
		{"LeaseMax by PCP", func(f *Faults) { f.LeaseMax = time.Minute }, portmap.PCP, time.Hour, time.Minute, 2 * time.Minute, false},
		{"LeaseMax by UPnP is not told", func(f *Faults) { f.LeaseMax = time.Minute }, portmap.UPnP, time.Hour, time.Hour, 2 * time.Minute, false},
		{"LeaseMin", func(f *Faults) { f.LeaseMin = 2 * time.Minute }, portmap.NATPMP, 30 * time.Second, 2 * time.Minute, time.Minute, true},
		{"OnlyPermanent", func(f *Faults) { f.OnlyPermanent = true }, portmap.UPnP, time.Hour, 0, 48 * time.Hour, true},
		{"LeaseMax and permanent", func(f *Faults) { f.OnlyPermanent, f.LeaseMax = true, time.Minute }, portmap.UPnP, time.Hour, 0, 48 * time.Hour, true},
		{"KeepsNothing", func(f *Faults) { f.KeepsNothing = true }, portmap.UPnP, time.Hour, time.Hour, 0, false},
		{"KeepsFor, at once", func(f *Faults) { f.KeepsFor = 8 * time.Second }, portmap.UPnP, time.Hour, time.Hour, 0, true},
		{"KeepsFor, later", func(f *Faults) { f.KeepsFor = 8 * time.Second }, portmap.UPnP, time.Hour, time.Hour, 10 * time.Second, false},
		{"KilledAt24h", func(f *Faults) { f.KilledAt24h = true }, portmap.PCP, 48 * time.Hour, 48 * time.Hour, 24 * time.Hour, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				h.Configure(c.fault)
				r := request()
				r.Lease = c.ask
				m, err := h.Client(c.p, us).Map(t.Context(), r)
				if err != nil || m.Lease != c.granted {
					t.Fatalf("granted %v (%v), want %v", m.Lease, err, c.granted)
				}
				time.Sleep(c.after)
				if listed := len(h.Table()) == 1; listed != c.listed {
					t.Errorf("after %v listed: %v, want %v", c.after, listed, c.listed)
				}
			})
		})
	}
}

// TestPCPNonce covers who may renew and delete by PCP.
func TestPCPNonce(t *testing.T) {
	other := request()
	other.Nonce = portmap.Nonce{9}
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		c := h.Client(portmap.PCP, us)
		m := mapIt(t, h, portmap.PCP)
		stranger := m
		stranger.Nonce = other.Nonce
		if err := c.Unmap(t.Context(), stranger); code(err) != pcpNotAuthorized {
			t.Errorf("deleting with another nonce: %v", err)
		}
		h.Configure(func(f *Faults) { f.NonceStrict = true })
		if _, err := c.Map(t.Context(), other); code(err) != pcpNotAuthorized {
			t.Errorf("renewing with another nonce in NonceStrict: %v", err)
		}
		h.Configure(func(f *Faults) { f.NonceStrict = false })
		if _, err := c.Map(t.Context(), other); err != nil {
			t.Errorf("renewing with another nonce: %v", err)
		}
		if err := c.Unmap(t.Context(), m); code(err) != pcpNotAuthorized {
			t.Errorf("deleting with the first nonce, which was replaced: %v", err)
		}
		if err := c.Unmap(t.Context(), stranger); err != nil || len(h.Table()) != 0 {
			t.Errorf("deleting with the last nonce: %v, table %v", err, h.Table())
		}
	})
}

// TestKeepsItsOtherPort: once another port was granted, PCP and NAT-PMP give the same one again, even
// when the wanted one is free (RFC 6886 section 3.3).
func TestKeepsItsOtherPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		h.Take(neighbor, portmap.UDP, port)
		c := h.Client(portmap.NATPMP, us)
		m := mapIt(t, h, portmap.NATPMP)
		h.Release(portmap.UDP, port)
		if again := mapIt(t, h, portmap.NATPMP); m.External.Port() != port+1 || again.External.Port() != port+1 {
			t.Fatalf("granted %d, then %d", m.External.Port(), again.External.Port())
		}
		if err := c.Unmap(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if again := mapIt(t, h, portmap.NATPMP); again.External.Port() != port {
			t.Fatalf("granted %d after deleting", again.External.Port())
		}
	})
}

// TestExactDoesNotMove: PREFER_FAILURE is a failure as long as the mapping has another external port.
func TestExactDoesNotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		c := h.Client(portmap.PCP, us)
		loose := request()
		loose.Exact, loose.External = false, port+1
		if m, err := c.Map(t.Context(), loose); err != nil || m.External.Port() != port+1 {
			t.Fatalf("granted %+v, %v", m, err)
		}
		if _, err := c.Map(t.Context(), request()); code(err) != pcpCannotProvide {
			t.Errorf("asked for the free port: %v", err)
		}
		h.Configure(func(f *Faults) { f.OtherPort = true })
		if m, err := c.Map(t.Context(), request()); err != nil || m.External.Port() != port+1 {
			t.Errorf("OtherPort: granted %+v, %v", m, err)
		}
	})
}

// TestRewrites covers the faults that store something else than was asked for.
func TestRewrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		h.Configure(func(f *Faults) { f.StoredHost = neighbor })
		mapIt(t, h, portmap.UPnP)
		mapIt(t, h, portmap.UPnP) // a renewal is no conflict
		if got := reaches(h); got != "192.168.1.50:27886" {
			t.Errorf("StoredHost: ends at %q", got)
		}
		h.Flush()
		h.Configure(func(f *Faults) { f.StoredHost, f.RenewMovesPort = netip.Addr{}, true })
		entry := ask{from: us, transport: portmap.UDP, internal: netip.AddrPortFrom(us, 5000), external: port, exact: true}
		h.upnpAdd(entry)
		h.upnpAdd(entry)
		if got := reaches(h); got != atUs {
			t.Errorf("RenewMovesPort: ends at %q", got)
		}
	})
}

// TestDeleteAll is NAT-PMP's deletion of all that it made for one host and transport (RFC 6886
// section 3.4).
func TestDeleteAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		at := func(host netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(host, port) }
		h.pmpMap(portmap.UDP, at(us, 1), 1, time.Hour)
		h.pmpMap(portmap.UDP, at(us, 2), 2, time.Hour)
		h.pmpMap(portmap.TCP, at(us, 3), 3, time.Hour)
		h.pmpMap(portmap.UDP, at(neighbor, 4), 4, time.Hour)
		mapIt(t, h, portmap.UPnP)
		if r := h.pmpMap(portmap.UDP, at(us, 0), 0, 0); r.code != 0 {
			t.Fatalf("answered %d", r.code)
		}
		var left []uint16
		for _, e := range h.Table() {
			left = append(left, e.External)
		}
		if !slices.Equal(left, []uint16{3, 4, port}) {
			t.Errorf("left are %v", left)
		}
	})
}
