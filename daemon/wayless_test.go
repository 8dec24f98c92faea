package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// arrives gives the PC its network, of which the system says nothing.
func (h *house) arrives() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report, h.routeErr = home, nil
}

// TestNetworkThatComesUnannounced: the service starts before the network is up, and no notice comes.
func TestNetworkThatComesUnannounced(t *testing.T) {
	for _, row := range []struct{ without, within time.Duration }{
		{3 * time.Second, 5 * time.Second},
		{52 * time.Second, 5 * time.Second},
		{9*time.Minute + 52*time.Second, 5 * time.Second},
		{time.Hour + 7*time.Second, 15 * time.Second},
	} {
		t.Run(row.without.String(), func(t *testing.T) {
			inHouse(t, noRoute(route.ErrNoGateway), func(h *house) {
				h.pass(row.without)
				h.want(NoNetwork)
				h.arrives()
				h.pass(row.within + 100*time.Millisecond)
				h.want(CodeReady)
				h.wantOpen(true)
			})
		})
	}
}

// TestNoWayOutCostsLittle: a PC without a network reads its routes a few times a minute, and asks nobody.
func TestNoWayOutCostsLittle(t *testing.T) {
	inHouse(t, noRoute(route.ErrNoGateway), func(h *house) {
		h.pass(time.Hour)
		if n := h.routeReads.Load(); n > 120+4*50+20 {
			t.Errorf("the routes were read %d times in an hour", n)
		}
		if n := h.Requests().Total(); n != 0 {
			t.Errorf("%d requests to the router without a way to it", n)
		}
		h.arrives()
		h.pass(time.Minute)
		before := h.routeReads.Load()
		h.pass(time.Hour)
		if n := h.routeReads.Load() - before; n > 60*30 {
			t.Errorf("with a network the routes were read %d times in an hour", n)
		}
	})
}

// TestEntryThatStays: where the router cannot be asked at the stop, or does not answer, log and last
// status say what ends the entry: its lease, or nothing but Portsitter or a person.
func TestEntryThatStays(t *testing.T) {
	const lease, permanent = "it ends with its lease at ", "it has no lease that ends: Portsitter takes it out when it runs there again"
	noWay := func(h *house) { h.moveTo(route.Report{}, route.ErrNoGateway); h.pass(time.Minute) }
	for _, row := range []struct {
		name, log, ends string
		leave           func(*house)
	}{
		{"no way", "could not be taken out: this PC has no way to the router; ", lease, noWay},
		{"no way, permanent", "could not be taken out: this PC has no way to the router; ", permanent, noWay},
		{"no answer", "could not confirm that the router has removed the entry; if it has not, ", lease, func(h *house) { h.PowerOff() }},
		{"no answer, permanent", "could not confirm that the router has removed the entry; if it has not, ", permanent, func(h *house) { h.PowerOff() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				only(portmap.UPnP)(h)
				h.Configure(func(f *simhome.Faults) { f.OnlyPermanent = row.ends == permanent })
			}, func(h *house) {
				h.pass(time.Minute)
				row.leave(h)
				h.stop()
				if log := h.log.String(); !strings.Contains(log, row.log+row.ends) {
					t.Errorf("the log does not say %q:\n%s", row.log+row.ends, log)
				}
				h.says("has not confirmed that its entry is gone")
				p := h.port()
				withLease := strings.Contains(p.Headline, "ends with its lease")
				forGood := strings.Contains(p.NextStep, "until you delete it there: it has no lease that ends")
				if withLease != (row.ends == lease) || forGood != (row.ends == permanent) {
					t.Errorf("%s\n%s", p.Headline, p.NextStep)
				}
				if len(h.kept().Entries) != 1 {
					t.Errorf("on record: %+v", h.kept().Entries)
				}
			})
		})
	}
}

// TestStopOfAPCThatWasNeverOnline: nothing of ours is anywhere, and nothing is said about it.
func TestStopOfAPCThatWasNeverOnline(t *testing.T) {
	inHouse(t, noRoute(route.ErrNoGateway), func(h *house) {
		h.pass(time.Minute)
		h.stop()
		if strings.Contains(h.log.String(), "taken out") || strings.Contains(h.port().Headline, "confirmed") {
			t.Errorf("%s\n%s", h.port().Headline, h.log.String())
		}
	})
}
