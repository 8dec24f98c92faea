package route

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackpal/gateway"
)

func TestCrossCheckCleans(t *testing.T) {
	ips := func(list ...string) (out []net.IP) {
		for _, s := range list {
			out = append(out, net.ParseIP(s))
		}
		return out
	}
	for _, c := range []struct {
		name string
		list []net.IP
		want string
	}{
		{"plain", ips("192.168.1.1", "10.0.0.1"), "192.168.1.1 10.0.0.1"},
		{"a tunnel's 0.0.0.0", ips("0.0.0.0", "192.168.1.1"), "192.168.1.1"},
		{"twice", ips("192.168.1.1", "192.168.1.1"), "192.168.1.1"},
		{"nonsense", append(ips("127.0.0.1", "224.0.0.1", "fe80::1"), nil, net.IP{1, 2}), ""},
	} {
		got, err := crossCheck(t.Context(), func() ([]net.IP, error) { return c.list, nil })
		var words []string
		for _, a := range got {
			words = append(words, a.String())
		}
		if text := strings.Join(words, " "); err != nil || text != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, text, err, c.want)
		}
	}
}

func TestCrossCheckSurvives(t *testing.T) {
	if got, err := crossCheck(t.Context(), func() ([]net.IP, error) { return nil, &gateway.ErrNoGateway{} }); got != nil || err != nil {
		t.Errorf("no gateway: %v, %v; want an empty list", got, err)
	}
	if _, err := crossCheck(t.Context(), func() ([]net.IP, error) { return nil, &gateway.ErrCantParse{} }); err == nil {
		t.Error("no error for a text that cannot be parsed")
	}
	_, err := crossCheck(t.Context(), func() ([]net.IP, error) { var none []net.IP; return none[:1:1], nil })
	if err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("error %v for a panic", err)
	}
}

func TestCrossCheckGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		start := time.Now()
		_, err := crossCheck(t.Context(), func() ([]net.IP, error) { <-end; return nil, nil })
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != crossCheckLimit {
			t.Errorf("%v after %v", err, took)
		}
		close(end)
	})
}

func TestCrossCheckAgreesHere(t *testing.T) {
	report, err := Read(t.Context(), Override{})
	if err != nil {
		t.Logf("nothing to compare: %v", err)
		return
	}
	others, err := CrossCheck(t.Context())
	if err != nil {
		t.Logf("no second opinion on this machine: %v", err)
		return
	}
	if !slices.Contains(others, report.Route.Gateway) {
		t.Errorf("gateway %v is not among %v", report.Route.Gateway, others)
	}
}

func TestFallbackTables(t *testing.T) {
	tables, err := fallbackTables(t.Context())
	if err != nil {
		t.Logf("no fallback on this machine: %v", err)
		return
	}
	for index, l := range tables.links {
		if l.index != index || l.name == "" {
			t.Errorf("link %d: %+v", index, l)
		}
		for _, a := range l.addrs {
			if !a.prefix.Contains(a.local) || a.prefix != a.prefix.Masked() {
				t.Errorf("%s: address %+v", l.name, a)
			}
		}
	}
	for _, h := range tables.hops {
		if len(tables.links[h.index].facing(h.gateway)) == 0 {
			t.Errorf("gateway %v is not on interface %d", h.gateway, h.index)
		}
	}
	if lo := tables.links[1]; lo.name == "lo" && (!lo.loopback || !lo.owns(netip.MustParseAddr("127.0.0.1"))) {
		t.Errorf("loopback %+v", lo)
	}
}
