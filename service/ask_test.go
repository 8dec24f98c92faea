package service

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
)

func TestAskStatus(t *testing.T) {
	var sent atomic.Int64
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		says   string
	}{
		"a status":        {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"version":"0.1.0"}`) }, exitOK, ""},
		"another program": {http.NotFound, exitUnknown, "answers 404"},
		"a password":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, exitUnknown, "wants a password"},
		"a lure to another place": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("went elsewhere")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, exitUnknown, "answers 302"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			for chunk := strings.Repeat(" ", 64<<10); ; {
				n, err := io.WriteString(w, chunk)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}, exitUnknown, "more than 1048576 bytes"},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
		}, exitUnknown, "broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			defer noGoroutinesLeft(t)
			server := httptest.NewServer(c.answer)
			defer server.Close()
			_, err := askStatus(t.Context(), pageAt(t, server.Listener.Addr()))
			if code := report(io.Discard, err); code != c.code {
				t.Errorf("exit code %d, want %d (%v)", code, c.code, err)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want something about %q", err, c.says)
			}
		})
	}
	const patience = 32 << 20 // 1 MiB, and what the system buffers on both sides
	if n := sent.Load(); n > patience {
		t.Errorf("%d bytes were read of an answer without end", n)
	}
}

// A page that takes the question and never answers: the daemon may hang, so "not running" would be wrong.
func TestAskStatusIsNotAnswered(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = askStatus(ctx, pageAt(t, listener.Addr()))
	if code := report(io.Discard, err); code != exitUnknown || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %d, %v", code, err)
	}
}

func TestAskStatusIsRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	page := pageAt(t, listener.Addr())
	listener.Close()
	_, err = askStatus(t.Context(), page)
	if code := report(io.Discard, err); code != exitNotRunning {
		t.Errorf("got %d, %v", code, err)
	}
}

func pageAt(t *testing.T, addr net.Addr) netip.AddrPort {
	t.Helper()
	page, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestPageOf(t *testing.T) {
	for name, c := range map[string]struct {
		listen []string
		want   string
	}{
		"usual":                      {[]string{"127.0.0.1:27880"}, "127.0.0.1:27880"},
		"the first loopback one":     {[]string{"192.168.77.2:80", "[::1]:81", "127.0.0.1:82"}, "[::1]:81"},
		"only an address for others": {[]string{"192.168.77.2:80"}, "127.0.0.1:80"},
		"every address":              {[]string{"0.0.0.0:80"}, "127.0.0.1:80"},
		"switched off":               {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var p configs.Page
			for _, l := range c.listen {
				p.Listen = append(p.Listen, netip.MustParseAddrPort(l))
			}
			got, ok := pageOf(p)
			if ok != (c.want != "") || ok && got.String() != c.want {
				t.Errorf("got %v %v, want %q", got, ok, c.want)
			}
		})
	}
}

func TestParsePage(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:27880":          "127.0.0.1:27880",
		"http://127.0.0.1:27880/":  "127.0.0.1:27880",
		"localhost:27880":          "127.0.0.1:27880",
		"http://localhost:27880":   "127.0.0.1:27880",
		":27880":                   "127.0.0.1:27880",
		"27880":                    "127.0.0.1:27880",
		"[::1]:27880":              "[::1]:27880",
		"192.168.77.2:80":          "192.168.77.2:80",
		"0.0.0.0:27880":            "0.0.0.0:27880",
		"":                         "",
		"127.0.0.1":                "",
		"127.0.0.1:0":              "",
		"127.0.0.1:65536":          "",
		"example.org:80":           "", // a name would have to be looked up
		"https://127.0.0.1:27880/": "",
		"127.0.0.1:27880/status":   "",
	} {
		got, err := parsePage(text)
		if err != nil != (want == "") || err == nil && got.String() != want {
			t.Errorf("parsePage(%q) = %v, %v, want %q", text, got, err, want)
		}
		if _, ok := errors.AsType[*failure](err); err != nil && !ok {
			t.Errorf("parsePage(%q): %v has no exit code", text, err)
		}
	}
}

func TestReachable(t *testing.T) {
	for page, want := range map[string]string{
		"0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80", "192.168.77.2:80": "192.168.77.2:80",
	} {
		if got := reachable(netip.MustParseAddrPort(page)); got.String() != want {
			t.Errorf("reachable(%s) = %s, want %s", page, got, want)
		}
	}
}
