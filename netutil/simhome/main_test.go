package simhome

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/portsitter/portsitter/netutil/portmap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	us       = netip.MustParseAddr("192.168.1.23")
	neighbor = netip.MustParseAddr("192.168.1.50")
	public   = netip.MustParseAddr("11.77.0.2")
)

const port = 27886

var protocols = []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}

// request is for our port, for an hour.
func request() portmap.Request {
	return portmap.Request{
		Transport: portmap.UDP, Internal: netip.AddrPortFrom(us, port), External: port, Lease: time.Hour, Nonce: portmap.Nonce{1, 2, 3}, Exact: true,
	}
}

// serve starts the servers of a home for one test.
func serve(t *testing.T, h *Home) *Servers {
	t.Helper()
	s, err := h.Serve(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// clients finds a home's clients over the wire and stops searching once all that were asked for are
// there.
func clients(t *testing.T, s *Servers, want ...portmap.Protocol) map[portmap.Protocol]portmap.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	found := map[portmap.Protocol]portmap.Client{}
	s.Search(ctx, portmap.Search{Gateway: s.home.Gateway(), Local: us, Protocols: want, Log: slog.New(slog.DiscardHandler)}, func(a portmap.Answer) {
		if a.Client == nil {
			t.Errorf("%s: %v", a.Protocol, a.Err)
			cancel()
			return
		}
		found[a.Protocol] = a.Client
		if len(found) == len(want) {
			cancel()
		}
	})
	if len(found) != len(want) {
		t.Fatalf("found %d clients of %v", len(found), want)
	}
	return found
}

// code is a refusal's code; 0 for no error, -1 for another one.
func code(err error) int {
	var no *portmap.Refusal
	switch {
	case err == nil:
		return 0
	case errors.As(err, &no):
		return no.Code
	}
	return -1
}
