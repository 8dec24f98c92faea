package daemon

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// askPublic is what the sources on the internet say, unless the test says otherwise.
func (h *house) askPublic(ctx context.Context, _ netip.Addr, servers []string) (netip.Addr, error) {
	if h.asks != nil {
		if err := h.asks(ctx, servers); err != nil {
			return netip.Addr{}, err
		}
	}
	return h.Public()
}

// TestChangedSourcesAreAskedSoon: the pause after failures is about the old sources, and so is a
// question that hangs.
func TestChangedSourcesAreAskedSoon(t *testing.T) {
	for _, row := range []struct {
		name string
		old  func(context.Context) error // what becomes of a question to the old sources
	}{
		{"fails", func(context.Context) error { return errors.New("connection refused") }},
		{"hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				only(portmap.UPnP)(h)
				h.SetOuter(netip.IPv4Unspecified()) // the router does not tell
				h.asks = func(ctx context.Context, servers []string) error {
					if slices.Contains(servers, "new.test:3478") || slices.Contains(servers, "http://new.test/") {
						return nil
					}
					return row.old(ctx)
				}
			}, func(h *house) {
				h.pass(5 * time.Minute)
				if p := h.d.Status().PublicIP; p != nil {
					t.Fatalf("somebody has told %+v", p)
				}
				changed := testSettings()
				changed.PublicIP.HTTP, changed.PublicIP.STUN = []string{"http://new.test/"}, []string{"new.test:3478"}
				h.d.Configure(changed, nil)
				h.pass(2 * time.Second)
				p := h.d.Status().PublicIP
				if p == nil || p.Sources["http"] != outside || p.Sources["stun"] != outside {
					t.Fatalf("the new sources were not asked: %+v", p)
				}
				changed.PublicIP.HTTP = nil
				h.d.Configure(changed, nil)
				h.pass(2 * time.Second)
				if p := h.d.Status().PublicIP; p.Sources["http"].IsValid() {
					t.Errorf("a source that is not to be asked any more still counts: %+v", p)
				}
			})
		})
	}
}

// TestChangedNetworkCallsThePublicQuestionOff: a question that hangs on the old way out keeps nobody
// from asking on the new one.
func TestChangedNetworkCallsThePublicQuestionOff(t *testing.T) {
	moved := home
	moved.Route.Local = netip.MustParseAddr("192.168.1.24")
	inHouse(t, func(h *house) {
		h.asks = func(ctx context.Context, _ []string) error {
			if h.d.Status().Route.Local == moved.Route.Local {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
	}, func(h *house) {
		h.pass(time.Minute)
		h.SetSelf(moved.Route.Local)
		h.moveTo(moved, nil)
		h.pass(2 * time.Second)
		if p := h.d.Status().PublicIP; p == nil || p.Sources["stun"] != outside {
			t.Errorf("not asked on the new way out: %+v", p)
		}
		if n := h.Requests().Of(portmap.PCP, simhome.OpMap); n == 0 {
			t.Error("nothing was mapped")
		}
	})
}
