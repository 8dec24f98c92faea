package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// newServer is a server of the scene "reachable" at noon.
func newServer(t testing.TB, o Options) (*Server, *fakeSitter) {
	t.Helper()
	sitter := newSitter(readScene(t, "reachable"))
	o.Now = func() time.Time { return noon }
	o.Version = "1.4.0"
	o.Log = slog.New(slog.DiscardHandler)
	return New(sitter, o), sitter
}

// from makes a request one that came in at the address local, from the address remote.
func from(r *http.Request, local, remote string) *http.Request {
	at := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(local), 27880))
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, at))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(remote), 40000).String()
	return r
}

// ask sends one request of this PC to the handler. Each header is written as "Name: value".
func ask(s *Server, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // an answer without end is a failure, not a hang
	defer cancel()
	r := from(httptest.NewRequestWithContext(ctx, method, target, body), "127.0.0.1", "127.0.0.1")
	r.Host = "localhost:27880"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	tests := []struct{ path, contentType, has string }{
		{"/", "text/html; charset=utf-8", "<main"},
		{"/?show=1", "text/html; charset=utf-8", "<main"},
		{"/page.css", "text/css; charset=utf-8", "prefers-color-scheme"},
		{"/page.js", "text/javascript; charset=utf-8", "EventSource"},
		{"/favicon.svg", "image/svg+xml", "<svg"},
		{"/api/v1/status", "application/json", `"verdict":"reachable"`},
		{"/api/v1/history", "application/json", `"kind":"start"`},
		{"/healthz", "text/plain; charset=utf-8", "ok"},
		{"/metrics", "text/plain; version=0.0.4; charset=utf-8", "portsitter_build_info"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			s, _ := newServer(t, Options{})
			w := ask(s, "GET", tt.path, nil)
			if w.Code != 200 || w.Header().Get("Content-Type") != tt.contentType || !strings.Contains(w.Body.String(), tt.has) {
				t.Errorf("status %d, type %q, body:\n%.200s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
				w := ask(s, method, tt.path, nil)
				if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("%s: status %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
				}
			}
		})
	}
}

func TestUnknownPaths(t *testing.T) {
	s, _ := newServer(t, Options{})
	for _, path := range []string{"/index.html", "/api", "/api/v1/", "/assets/page.html", "/debug/pprof/"} {
		for _, method := range []string{"GET", "POST"} {
			if w := ask(s, method, path, nil); w.Code != http.StatusNotFound {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
		}
	}
}

func TestStatusIsTheContract(t *testing.T) {
	s, sitter := newServer(t, Options{HideAddress: true})
	var got daemon.Status
	if err := json.Unmarshal(ask(s, "GET", "/api/v1/status", nil).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := sitter.Status().Ports[0].Address; got.Ports[0].Address != want {
		t.Errorf("address %q, want %q: hiding is the page's affair", got.Ports[0].Address, want)
	}
}

func TestHistoryIsAList(t *testing.T) {
	s, sitter := newServer(t, Options{})
	sitter.history = nil
	if got := ask(s, "GET", "/api/v1/history", nil).Body.String(); got != "[]\n" {
		t.Errorf("empty history %q", got)
	}
}

func TestRefresh(t *testing.T) {
	tests := []struct {
		name, target string
		headers      []string
		status       int
		location     string
	}{
		{"a program", "/api/v1/refresh", nil, http.StatusAccepted, ""},
		{"the script", "/api/v1/refresh", []string{"Sec-Fetch-Site: same-origin", "Accept: */*"}, http.StatusAccepted, ""},
		{"a form", "/api/v1/refresh", []string{"Sec-Fetch-Site: same-origin", "Accept: text/html,*/*"}, http.StatusSeeOther, "/"},
		{"a form, address shown", "/api/v1/refresh?show=1", []string{"Accept: text/html,*/*"}, http.StatusSeeOther, "/?show=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, sitter := newServer(t, Options{})
			w := ask(s, "POST", tt.target, nil, tt.headers...)
			if w.Code != tt.status || w.Header().Get("Location") != tt.location {
				t.Errorf("status %d to %q, want %d to %q", w.Code, w.Header().Get("Location"), tt.status, tt.location)
			}
			if tt.status == http.StatusAccepted && w.Body.String() != "{}\n" {
				t.Errorf("body %q", w.Body)
			}
			if n := sitter.refreshed.Load(); n != 1 {
				t.Errorf("refreshed %d times", n)
			}
		})
	}
	s, sitter := newServer(t, Options{})
	if w := ask(s, "GET", "/api/v1/refresh", nil); w.Code != 405 || w.Header().Get("Allow") != "POST" || sitter.refreshed.Load() != 0 {
		t.Errorf("GET: status %d, Allow %q, refreshed %d times", w.Code, w.Header().Get("Allow"), sitter.refreshed.Load())
	}
}

func TestHealth(t *testing.T) {
	tests := []struct {
		name   string
		alive  time.Time
		status int
		words  string
	}{
		{"just turned", noon, 200, "ok"},
		{"two minutes ago", noon.Add(-2 * time.Minute), 200, "ok"},
		{"longer ago", noon.Add(-2*time.Minute - time.Second), 503, "2m1s"},
		{"never", time.Time{}, 503, "not turned yet"},
	}
	for _, tt := range tests {
		s, sitter := newServer(t, Options{})
		sitter.alive = tt.alive
		if w := ask(s, "GET", "/healthz", nil); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.words) {
			t.Errorf("%s: status %d, %q", tt.name, w.Code, w.Body)
		}
	}
}

func TestHostWall(t *testing.T) {
	o := Options{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.5:27880")},
		Hosts:  []string{"Game-PC.lan", "other.example:8443", ""},
	}
	good := []string{"localhost", "localhost:27880", "LOCALHOST:80", "localhost.:27880", "127.0.0.1:27880", "127.0.0.1",
		"[::1]:27880", "[::1]", "127.0.0.5:27880", "game-pc.lan", "game-pc.lan:27880", "other.example"}
	bad := []string{"", ":27880", "evil.example", "evil.example:27880", "localhost.evil.example", "127.0.0.2:27880", "192.168.77.2:27880",
		"127.0.0.1.evil.example", "localhost@evil.example", "[::2]:27880", "0.0.0.0:27880", "127.1", "2130706433"}
	s, sitter := newServer(t, o)
	for _, host := range slices.Concat(good, bad) {
		want := http.StatusAccepted
		if slices.Contains(bad, host) {
			want = http.StatusMisdirectedRequest
		}
		if w := ask(s, "POST", "/api/v1/refresh", nil, "Host: "+host); w.Code != want {
			t.Errorf("Host %q: status %d, want %d", host, w.Code, want)
		}
	}
	if n := int(sitter.refreshed.Load()); n != len(good) {
		t.Errorf("refreshed %d times, want %d", n, len(good))
	}
	if w := ask(s, "GET", "/", nil, "Host: evil.example"); strings.Contains(w.Body.String(), "203.0.113.7") || !strings.Contains(w.Body.String(), "hosts in [page]") {
		t.Errorf("to a strange name the page says %q", w.Body)
	}
}

func TestCrossOrigin(t *testing.T) {
	tests := []struct {
		name, method string
		headers      []string
		status       int
	}{
		{"another site", "POST", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		{"another port of this PC", "POST", []string{"Sec-Fetch-Site: same-site", "Origin: http://localhost:8080"}, 403},
		{"an old browser on another site", "POST", []string{"Origin: https://evil.example"}, 403},
		{"a sandboxed page", "POST", []string{"Origin: null"}, 403},
		{"our page in an old browser", "POST", []string{"Origin: http://localhost:27880"}, 202},
		{"no browser", "POST", nil, 202},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, sitter := newServer(t, Options{})
			if w := ask(s, tt.method, "/api/v1/refresh", nil, tt.headers...); w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if got := sitter.refreshed.Load() == 1; got != (tt.status == 202) {
				t.Errorf("refreshed: %v", got)
			}
		})
	}
}

func TestHeadersEverywhere(t *testing.T) {
	s, _ := newServer(t, Options{})
	answers := map[string]*httptest.ResponseRecorder{
		"page":      ask(s, "GET", "/", nil),
		"not found": ask(s, "GET", "/nothing", nil),
		"method":    ask(s, "PUT", "/", nil),
		"host":      ask(s, "GET", "/", nil, "Host: evil.example"),
		"origin":    ask(s, "POST", "/api/v1/refresh", nil, "Origin: https://evil.example"),
		"redirect":  ask(s, "POST", "/api/v1/refresh", nil, "Accept: text/html"),
		"json":      ask(s, "GET", "/api/v1/status", nil),
		"picture":   ask(s, "GET", "/favicon.svg", nil),
	}
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
			"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}
	for name, w := range answers {
		for header, value := range want {
			if got := w.Header().Values(header); len(got) != 1 || got[0] != value {
				t.Errorf("%s: %s %q, want %q", name, header, got, value)
			}
		}
	}
}

func TestBodyLimit(t *testing.T) {
	for size, want := range map[int]int{0: 202, maxRequestBody: 202, maxRequestBody + 1: 413} {
		s, sitter := newServer(t, Options{})
		w := ask(s, "POST", "/api/v1/refresh", strings.NewReader(strings.Repeat("x", size)))
		if w.Code != want || (sitter.refreshed.Load() == 1) != (want == 202) {
			t.Errorf("body of %d bytes: status %d, refreshed %d times", size, w.Code, sitter.refreshed.Load())
		}
	}
}
