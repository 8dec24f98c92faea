//go:build lab && linux

package lab

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

var (
	onlyPMP  = []string{"upnp=no"}
	onlyUPnP = []string{"natpmp=no"}
)

// routerFault is one way in which a router loses its table, and how soon the port is open again.
type routerFault struct {
	name   string
	router []string
	hears  hearing
	limit  time.Duration
	long   bool // measured with a long reboot, too
	crash  bool // and with a crash
}

// hearing says which announcements of the router reach the program.
type hearing int

const (
	hearsFirst hearing = iota // the one after the fault is the first
	hearsAll                  // it has heard the router before
	hearsNone
)

// Heard, the loss is known at once; else with the next look at the epoch (every 20 s) or at the entry
// (every 60 s).
var routerFaults = []routerFault{
	{name: "announced", hears: hearsFirst, limit: 2 * time.Second, long: true, crash: true},
	{name: "announced by PCP and NAT-PMP", router: onlyPMP, hears: hearsFirst, limit: 2 * time.Second},
	{name: "announced by UPnP", router: onlyUPnP, hears: hearsAll, limit: 2 * time.Second},
	{name: "announced by UPnP for the first time", router: onlyUPnP, hears: hearsFirst, limit: 2 * time.Second},
	{name: "not announced, PCP", router: onlyPMP, hears: hearsNone, limit: 25 * time.Second, long: true, crash: true},
	{name: "not announced, UPnP", router: onlyUPnP, hears: hearsNone, limit: 65 * time.Second, crash: true},
}

// run lets a fault happen to a home whose port is open, and measures how long it is shut from the
// moment at which the mapping daemon is there again.
func (f routerFault) run(t *testing.T, name string, fault func(h *home)) {
	t.Helper()
	h := newHome(t, f.router...)
	s := h.startHearing(f)
	s.awaitGrant(2 * time.Second)
	g := h.gate(at(outer, kaillera))
	g.open()
	h.grown()
	back := h.returns()
	fault(h)
	g.again(name+", "+f.name, <-back, f.limit, nil)
	t.Logf("history: %s", s.history())
}

// startHearing starts the program at a router that has been there for a while.
func (h *home) startHearing(f routerFault) *sitter {
	h.t.Helper()
	if f.hears == hearsNone {
		h.deaf()
	}
	h.pass(time.Second) // a router announces its start for so long
	s := h.start("[page]\nhide_address = false\n")
	if f.hears == hearsAll {
		s.awaitReady()
		h.lab(append([]string{"router", "restart"}, f.router...)...)
	}
	return s
}

// A router that reboots has lost its table, and says so.
func TestFaultReboot(t *testing.T) {
	t.Parallel()
	reboot := func(f routerFault, seconds string) {
		name := "reboot of " + seconds + " s"
		t.Run(name+", "+f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t, name, func(h *home) {
				h.lab(append([]string{"router", "reboot", seconds}, f.router...)...)
			})
		})
	}
	for _, f := range routerFaults {
		reboot(f, "5")
		if f.long {
			reboot(f, "30") // noticed while it lasts
		}
	}
}

// A mapping daemon that crashes leaves the forwardings, and is back without them.
func TestFaultCrash(t *testing.T) {
	t.Parallel()
	for _, f := range routerFaults {
		if !f.crash {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t, "daemon crash", func(h *home) {
				h.lab("router", "crash")
				h.pass(3 * time.Second)
				h.lab(append([]string{"router", "start"}, f.router...)...)
			})
		})
	}
}

// A table that is flushed behind the daemon's back is noticed by the read-back; where nothing can be
// read, by the epoch that has changed.
func TestFaultFlush(t *testing.T) {
	t.Parallel()
	t.Run("read-back", func(t *testing.T) {
		t.Parallel()
		h := newHome(t, onlyUPnP...)
		s := h.start("")
		s.awaitGrant(2 * time.Second)
		g := h.gate(at(outer, kaillera))
		g.open()
		h.grown()
		flushed := h.flush()
		g.shut()
		g.again("flush, UPnP read-back", flushed, 65*time.Second, nil)
		t.Logf("history: %s", s.history())
	})
	t.Run("epoch", func(t *testing.T) {
		t.Parallel()
		f := routerFault{name: "not announced, epoch change", router: onlyPMP, hears: hearsNone, limit: 25 * time.Second}
		f.run(t, "flush", func(h *home) {
			h.lab("router", "flush")
			h.lab("router", "restart", "upnp=no")
		})
	})
}

// A new address from the provider is in status, page and history, and packets to it come in: also
// when the router had none for a while, as while it dials in anew.
func TestFaultOuterAddress(t *testing.T) {
	t.Parallel()
	moved := netip.MustParseAddr("11.77.0.33")
	for _, f := range []routerFault{
		{name: "announced", hears: hearsFirst, limit: 2 * time.Second},
		{name: "not announced", hears: hearsNone, limit: 25 * time.Second},
	} {
		for _, gap := range []time.Duration{0, 3 * time.Second} {
			name := fmt.Sprintf("%s, after %v without one", f.name, gap)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f.renumber(t, name, moved, gap)
			})
		}
	}
}

func (f routerFault) renumber(t *testing.T, name string, moved netip.Addr, gap time.Duration) {
	t.Helper()
	h := newHome(t, f.router...)
	s := h.startHearing(f)
	s.awaitReady()
	h.knows(moved)
	g := h.gate(at(moved, kaillera))
	h.grown()
	if gap > 0 {
		if out, err := h.command("router", "ip", "addr", "flush", "dev", "wan0").CombinedOutput(); err != nil {
			t.Fatalf("ip: %v\n%s", err, out)
		}
		h.pass(gap)
	}
	h.lab("wanip", moved.String())
	changed := time.Now()
	want := at(moved, kaillera).String()
	s.await(f.limit+40*time.Second, "the new address in the status", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Verdict == daemon.Ready && p.Address == want
	})
	told(t, "WAN address changes (status), "+name, time.Since(changed), f.limit)
	g.again("WAN address changes (packets), "+name, changed, f.limit, nil)
	text := s.history()
	t.Logf("history: %s", text)
	if !strings.Contains(text, moved.String()) {
		t.Errorf("the history does not name %v", moved)
	}
	if text := s.page(); !strings.Contains(text, moved.String()) {
		t.Errorf("the page does not name %v:\n%s", moved, text)
	}
}

// knows tells the internet where that address will be, so that it does not ask by ARP once a second.
func (h *home) knows(a netip.Addr) {
	h.t.Helper()
	mac, err := h.command("router", "cat", "/sys/class/net/wan0/address").Output()
	if err == nil {
		err = h.command("wan", "ip", "neigh", "replace", a.String(), "lladdr", strings.TrimSpace(string(mac)), "dev", "w0", "nud", "permanent").Run()
	}
	if err != nil {
		h.t.Fatalf("the router's address on the internet: %v", err)
	}
}

// A router whose UPnP comes back at another port, and with that another URL.
func TestFaultOtherURL(t *testing.T) {
	t.Parallel()
	for _, f := range []routerFault{
		{name: "announced", router: onlyUPnP, hears: hearsAll, limit: 5 * time.Second},
		{name: "announced for the first time", router: onlyUPnP, hears: hearsFirst, limit: 5 * time.Second},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t, "IGD under another URL", func(h *home) {
				h.lab("router", "crash")
				h.lab("router", "flush")
				h.startUPnPAt("5431")
			})
		})
	}
}

// startUPnPAt starts the mapping daemon as it was, but for its HTTP port.
func (h *home) startUPnPAt(port string) {
	h.t.Helper()
	path := filepath.Join(h.run, "miniupnpd.conf")
	conf, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	text := strings.Replace(string(conf), "http_port=5000", "http_port="+port, 1)
	if text == string(conf) {
		h.t.Fatalf("no http_port=5000 in\n%s", text)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.miniupnpd("router", path)
}

// miniupnpd starts a mapping daemon, for which `lab.sh down` looks, too.
func (h *home) miniupnpd(space, conf string) {
	h.t.Helper()
	pid := filepath.Join(h.run, space+"-upnpd.pid")
	if out, err := h.command(space, "miniupnpd", "-f", conf, "-P", pid).CombinedOutput(); err != nil {
		h.t.Fatalf("miniupnpd: %v\n%s", err, out)
	}
	eventually(h.t, 3*time.Second, "miniupnpd is there", func() bool {
		text, err := os.ReadFile(pid)
		return err == nil && len(text) > 0
	})
}
