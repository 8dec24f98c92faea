package daemon

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// crash ends the house's daemon as kill -9 does, as far as router and disk can tell: the entries that
// the clean stop has removed are put back, and the memory is what was saved before.
func (h *house) crash() {
	h.t.Helper()
	kept, table := h.kept(), h.Table()
	h.stop()
	h.mu.Lock()
	h.memory = kept
	h.mu.Unlock()
	for _, e := range table {
		r := portmap.Request{Transport: e.Transport, Internal: e.Internal, External: e.External, Lease: e.Lease, Nonce: e.Nonce}
		if _, err := h.Client(e.Protocol, e.Internal.Addr()).Map(context.Background(), r); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestPermanentEntryOfACrashedRun: the router takes only permanent entries, the program dies, and
// the port is not wanted any more when it comes back.
func TestPermanentEntryOfACrashedRun(t *testing.T) {
	inHouse(t, func(h *house) {
		only(portmap.UPnP)(h)
		h.Configure(func(f *simhome.Faults) { f.OnlyPermanent = true })
	}, func(h *house) {
		h.pass(time.Minute)
		h.want(CodeReady)
		if m := h.port().Mapping; m.Lease != 0 || m.Expires != nil {
			t.Errorf("mapping %+v, want a permanent one", m)
		}
		h.crash()
		changed := testSettings()
		changed.Ports = []configs.Port{{Name: "Other game", Port: 27900, ExternalPort: 27900, Transport: "udp", Game: "any"}}
		h.start(changed)
		h.pass(10 * time.Second)
		if table := h.Table(); len(table) != 1 || table[0].External != 27900 {
			t.Errorf("table %+v, want the new port alone", table)
		}
		h.stop()
		if len(h.Table()) != 0 || len(h.kept().Entries) != 0 {
			t.Errorf("left behind: %+v, claimed %+v", h.Table(), h.kept().Entries)
		}
	})
}

// TestLeftoverIsTriedOnce: a router in secure mode does not let our new address remove what our old
// one has mapped, and is not asked again and again.
func TestLeftoverIsTriedOnce(t *testing.T) {
	inHouse(t, func(h *house) {
		only(portmap.UPnP)(h)
		h.Configure(func(f *simhome.Faults) { f.SecureMode, f.OnlyPermanent = true, true })
	}, func(h *house) {
		h.pass(time.Minute)
		h.crash()
		moved := home
		moved.Route.Local = netip.MustParseAddr("192.168.1.24")
		h.SetSelf(moved.Route.Local)
		h.mu.Lock()
		h.report = moved
		h.mu.Unlock()
		changed := testSettings()
		changed.Ports = []configs.Port{{Name: "Other game", Port: 27900, ExternalPort: 27900, Transport: "udp", Game: "any"}}
		before := h.Requests().Of(portmap.UPnP, simhome.OpUnmap)
		h.start(changed)
		h.pass(time.Hour)
		if n := h.Requests().Of(portmap.UPnP, simhome.OpUnmap) - before; n != 1 {
			t.Errorf("%d tries to remove it", n)
		}
		if len(h.kept().Entries) != 2 {
			t.Errorf("claimed: %+v, want the old entry, too", h.kept().Entries)
		}
	})
}
