package publicip

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestSourceRotates(t *testing.T) {
	want := netip.MustParseAddr("198.51.100.7")
	down := map[string]bool{}
	var asked []string
	s := &Source{servers: []string{"a", "b", "c"}, ask: func(_ context.Context, _ netip.Addr, server string) (netip.Addr, error) {
		asked = append(asked, server)
		if down[server] {
			return netip.Addr{}, errors.New(server + " is down")
		}
		return want, nil
	}}
	steps := []struct {
		name, down string
		asked      string
		server     string // "" = all fail
	}{
		{"the first one answers", "", "a", "a"},
		{"and is asked again", "", "a", "a"},
		{"it goes down", "a", "a b", "b"},
		{"the next one stays the first to ask", "a", "b", "b"},
		{"around the corner", "b c", "b c a", "a"},
		{"all down", "a b c", "a b c", ""},
		{"back again", "", "a", "a"},
	}
	for _, step := range steps {
		asked = nil
		clear(down)
		for _, server := range strings.Fields(step.down) {
			down[server] = true
		}
		got, err := s.Ask(t.Context(), loopback)
		if got.Server != step.server || (err == nil) != (got.Addr == want) {
			t.Errorf("%s: got %v, %v", step.name, got, err)
		}
		if !slices.Equal(asked, strings.Fields(step.asked)) {
			t.Errorf("%s: asked %v, want %s", step.name, asked, step.asked)
		}
		if step.server == "" && err.Error() != "a is down; b is down; c is down" {
			t.Errorf("%s: error %q", step.name, err)
		}
	}
}

func TestSourceStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	s := &Source{servers: []string{"a", "b"}, ask: func(ctx context.Context, _ netip.Addr, _ string) (netip.Addr, error) {
		n++
		cancel()
		return netip.Addr{}, ctx.Err()
	}}
	if _, err := s.Ask(ctx, loopback); !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("error %v after %d servers", err, n)
	}
}

func TestSourceWithoutServers(t *testing.T) {
	for _, s := range []*Source{STUNServers(nil), HTTPServers(nil, "test")} {
		if _, err := s.Ask(t.Context(), loopback); !errors.Is(err, ErrNoServers) {
			t.Errorf("error %v", err)
		}
	}
}

func TestRealSources(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "198.51.100.7")
	}))
	defer srv.Close()
	server, _ := serveSTUN(t, func(_ int, request []byte, from netip.AddrPort) [][]byte {
		return [][]byte{seen(request, from)}
	})
	tests := []struct {
		source *Source
		want   Answer
	}{
		{HTTPServers([]string{srv.URL + "\x7f", srv.URL}, "test"), Answer{netip.MustParseAddr("198.51.100.7"), srv.URL}},
		{STUNServers([]string{"bad", server}), Answer{loopback, server}},
	}
	for _, tt := range tests {
		if got, err := tt.source.Ask(t.Context(), loopback); err != nil || got != tt.want {
			t.Errorf("got %v, %v; want %v", got, err, tt.want)
		}
	}
}
