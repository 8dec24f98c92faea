package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// The quirks of real home routers, one test each, by their rank in the list that simhome.Faults
// numbers. Quirks of form (#10, #12) are seen on the wire only: package portmap tests them.

// faulty is a home with only these protocols and these faults.
func faulty(change func(*simhome.Faults), ps ...portmap.Protocol) func(*house) {
	return func(h *house) {
		if len(ps) > 0 {
			only(ps...)(h)
		}
		h.Configure(change)
	}
}

// fullSettings are checks from outside and another external port, as the defaults have it.
func fullSettings() configs.Settings {
	s := checkSettings()
	s.Router.OtherExternalPort = true
	return s
}

// verdicts counts the changes of verdict that the history tells.
func (h *house) verdicts() int {
	n := 0
	for _, e := range h.events() {
		if e.Kind == "verdict" {
			n++
		}
	}
	return n
}

// atMost complains about more than n of something since the count began.
func (h *house) atMost(n, got int, what string) {
	h.t.Helper()
	if got > n {
		h.t.Errorf("%d %s, want at most %d", got, what, n)
	}
}

// says complains when neither headline nor next step have the words.
func (h *house) says(words ...string) {
	h.t.Helper()
	p := h.port()
	for _, w := range words {
		if text := p.Headline + ". " + p.NextStep; !strings.Contains(text, w) {
			h.t.Errorf("%q does not say %q", text, w)
		}
	}
}

// leaves stops the Daemon and wants so many entries to be left in the router, and none on the books.
func (h *house) leaves(entries int) {
	h.t.Helper()
	h.stop()
	if table := h.Table(); len(table) != entries {
		h.t.Errorf("after the stop the router holds %+v, want %d entries", table, entries)
	}
	if own := h.kept().Entries; len(own) != 0 {
		h.t.Errorf("still claimed after the stop: %+v", own)
	}
}

// calm passes time and wants no change of verdict and no more than the promised requests meanwhile.
func (h *house) calm(d time.Duration) {
	h.t.Helper()
	verdicts, requests := h.verdicts(), h.Requests().Total()
	h.pass(d)
	h.atMost(0, h.verdicts()-verdicts, "changes of verdict")
	h.atMost(int(300*d/time.Hour), h.Requests().Total()-requests, "requests in "+d.String())
}

func TestQuirk01RebootMovesTheControlURL(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.deaf.Store(true)
		h.pass(10 * time.Minute)
		known := h.kept().Routers[0].Location
		for range 4 {
			h.Reboot(true)
			h.wantOpen(false)
			h.pass(65 * time.Second)
			h.want(CodeReady)
			h.wantOpen(true)
			if at := h.kept().Routers[0].Location; at == known {
				t.Errorf("the stale URL %s is still the one that is remembered", at)
			} else {
				known = at
			}
			h.calm(time.Hour)
		}
		h.leaves(0)
	})
}

func TestQuirk02OnlyPermanentLeases(t *testing.T) {
	for name, change := range map[string]func(*simhome.Faults){
		"725": func(f *simhome.Faults) { f.OnlyPermanent = true },
		"402": func(f *simhome.Faults) { f.RefuseFinite402 = true },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, faulty(change, portmap.UPnP), func(h *house) {
				h.pass(time.Minute)
				h.want(CodeReady)
				kept := h.kept()
				if len(kept.Entries) != 1 || !kept.Entries[0].Expires.IsZero() || !kept.Routers[0].Permanent {
					t.Errorf("a permanent entry is not on the books: %+v, %+v", kept.Entries, kept.Routers)
				}
				h.calm(5 * time.Hour)
				if n := h.Requests().Of(portmap.UPnP, simhome.OpMap); n != 2 { // the refusal and the grant
					t.Errorf("%d mapping requests for an entry that does not end", n)
				}
				h.kill()
				h.start(testSettings())
				h.pass(time.Minute)
				h.want(CodeReady)
				if m := h.port().Mapping; m == nil || m.Owner != "ours" || m.Expires != nil || len(h.Table()) != 1 {
					t.Errorf("after a crash: mapping %+v, table %+v", m, h.Table())
				}
				h.leaves(0)
			})
		})
	}
}

// TestQuirk02PermanentEntryAndANewAddress: the entry does not end by itself, so it has to go when it
// leads to an address that is not ours any more.
func TestQuirk02PermanentEntryAndANewAddress(t *testing.T) {
	inHouseWith(t, displacedSettings(), faulty(func(f *simhome.Faults) { f.OnlyPermanent = true }, portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		moved := netip.MustParseAddr("192.168.1.24")
		h.renumber(moved)
		h.pass(3 * time.Second)
		if !h.reachableAt(27886, moved) || len(h.Table()) != 1 {
			t.Errorf("table %+v", h.Table())
		}
		h.calm(time.Hour)
		h.leaves(0)
	})
}

func TestQuirk03ListedButNotForwarded(t *testing.T) {
	inHouseWith(t, fullSettings(), nil, func(h *house) {
		h.pass(time.Minute)
		h.want(CodeReachable)
		h.Stall()
		h.pass(time.Hour) // renewals do not help
		h.wantOpen(false)
		h.check(false)
		h.pass(20 * time.Second)
		h.want(CodeReachable)
		h.wantOpen(true)
		h.calm(time.Hour)
		h.leaves(0)
	})
}

// TestQuirk03NothingHelps: deleting and adding is limited.
func TestQuirk03NothingHelps(t *testing.T) {
	inHouseWith(t, fullSettings(), faulty(func(f *simhome.Faults) { f.NotForwarding = true }), func(h *house) {
		h.pass(time.Minute)
		h.want(NotForwarding)
		h.says("nothing from outside comes through", "Restart the router")
		h.pass(24 * time.Hour)
		h.want(NotForwarding)
		h.atMost(2*checksADay, h.Requests().Of(portmap.PCP, simhome.OpUnmap), "repairs in a day")
		h.leaves(0)
	})
}

func TestQuirk04SaysYesKeepsNothing(t *testing.T) {
	for _, row := range keepsNothing {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, row.change, func(h *house) {
				h.pass(4 * time.Second)
				h.want(NotKept)
				h.says("says yes", "does not keep", "Restart the router")
				h.Configure(func(f *simhome.Faults) { f.KeepsNothing, f.Slots, f.KeepsFor = false, 0, 0 })
				h.pass(10*time.Minute + 5*time.Second)
				h.want(CodeReady)
				h.wantOpen(true)
				h.leaves(h.strangers())
			})
		})
	}
}

// keepsNothing are the ways in which a router says yes and stores nothing.
var keepsNothing = []struct {
	name   string
	change func(*house)
}{
	{"nothing", faulty(func(f *simhome.Faults) { f.KeepsNothing = true }, portmap.UPnP)},
	{"table full", func(h *house) {
		faulty(func(f *simhome.Faults) { f.Slots, f.FullLies = 1, true }, portmap.UPnP)(h)
		h.Take(other, portmap.UDP, 40000)
	}},
}

// strangers counts the entries that do not lead to this PC.
func (h *house) strangers() int {
	n := 0
	for _, e := range h.Table() {
		if e.Internal.Addr() != h.Self() {
			n++
		}
	}
	return n
}

// TestQuirk04KeptForSeconds: the first read-back sees the entry, the one ten seconds later does not.
func TestQuirk04KeptForSeconds(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.KeepsFor = 5 * time.Second }, portmap.UPnP), func(h *house) {
		h.pass(time.Second)
		h.wantOpen(true)
		h.pass(10 * time.Second)
		h.want(Starting) // the router may have restarted: it is asked once more
		h.pass(10 * time.Second)
		h.want(NotKept)
	})
}

// TestQuirk05OldEntryOfAnotherPC: it is named and left alone, however long it stays.
func TestQuirk05OldEntryOfAnotherPC(t *testing.T) {
	inHouse(t, func(h *house) { taken(portmap.UPnP)(h) }, func(h *house) {
		h.pass(4 * time.Second)
		h.want(PortTaken)
		h.says(other.String())
		h.calm(24 * time.Hour)
		if n := h.Requests().Of(portmap.UPnP, simhome.OpUnmap, simhome.OpMap); n != 0 || !deliveredTo(h, 27886, other) {
			t.Errorf("%d attempts on another PC's entry; table %+v", n, h.Table())
		}
		h.leaves(1)
	})
}

// TestQuirk05OurTagButNotOurAddress: the state file is lost, so the entry that bears our description
// may be another PC's with Portsitter: it is not ours to delete.
func TestQuirk05OurTagButNotOurAddress(t *testing.T) {
	inHouseWith(t, displacedSettings(), only(portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		h.kill()
		h.memory = Memory{Version: 1, Secret: Secret{2}}
		moved := netip.MustParseAddr("192.168.1.24")
		h.SetSelf(moved)
		h.report.Route.Local = moved
		h.start(displacedSettings())
		h.pass(4 * time.Second)
		h.want(OtherExternalPort)
		h.says(self.String(), "27887")
		h.pass(20 * time.Minute)
		if !deliveredTo(h, 27886, self) {
			t.Errorf("the entry was not ours to delete: %+v", h.Table())
		}
		h.pass(time.Hour) // its lease ends
		h.want(CodeReady)
		if !h.reachableAt(27886, moved) {
			t.Errorf("not back: %+v", h.Table())
		}
		h.leaves(0)
	})
}

func TestQuirk06SecureMode(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.SecureMode = true }, portmap.UPnP), func(h *house) {
		h.pass(time.Second)
		h.want(CodeReady)
		h.calm(3 * time.Hour)
		h.leaves(0)
	})
}

func TestQuirk06PermissionIsSwitchedOff(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.Deny = true }, portmap.UPnP), func(h *house) {
		h.pass(4 * time.Second)
		h.want(MappingRefused)
		h.says("allow programs to open ports", "192.168.1.1")
		h.calm(3 * time.Hour)
	})
}
