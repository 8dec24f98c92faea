package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	thisPC    = "192.168.77.2"
	otherPC   = "192.168.77.3"
	rightWord = "correct horse"
)

// locked is a server with a password, and how often one was compared.
func locked(t testing.TB, now func() time.Time) (*Server, *fakeSitter, *atomic.Int32) {
	t.Helper()
	sitter := newSitter(readScene(t, "reachable"))
	var compared atomic.Int32
	s := New(sitter, Options{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:27880")}, Now: now, Log: slog.New(slog.DiscardHandler),
		Password: func(p string) bool { compared.Add(1); return p == rightWord },
	})
	return s, sitter, &compared
}

// visit sends a request of another PC.
func visit(s *Server, remote, method, target, password string) *httptest.ResponseRecorder {
	local := thisPC
	if netip.MustParseAddr(remote).Is6() {
		local = "fd00::2"
	}
	r := from(httptest.NewRequest(method, target, nil), local, remote)
	r.Host = netip.AddrPortFrom(netip.MustParseAddr(local), 27880).String()
	if password != "" {
		r.SetBasicAuth("anybody", password)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestPasswordWall(t *testing.T) {
	routes := map[string]string{
		"/": "GET", "/page.css": "GET", "/favicon.svg": "GET", "/api/v1/status": "GET", "/api/v1/history": "GET",
		"/api/v1/events": "GET", "/metrics": "GET", "/healthz": "GET", "/nothing": "GET",
		"/api/v1/refresh": "POST", "/api/v1/check": "POST", "/api/v1/takeover": "POST",
	}
	s, sitter, _ := locked(t, time.Now)
	for route, method := range routes {
		w := visit(s, otherPC, method, route, "")
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != `Basic realm="Portsitter", charset="UTF-8"` {
			t.Errorf("%s: %d %q", route, w.Code, w.Header())
		}
		if w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: refused without the headers of the page", route)
		}
	}
	if sitter.refreshed.Load() != 0 || len(sitter.asked) != 0 {
		t.Error("a request without a password reached the daemon")
	}
	if w := visit(s, otherPC, "GET", "/api/v1/status", "wrong"); w.Code != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", w.Code)
	}
	if w := visit(s, otherPC, "GET", "/api/v1/status", rightWord); w.Code != http.StatusOK {
		t.Errorf("the right password: %d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/api/v1/status", nil); w.Code != http.StatusOK {
		t.Errorf("this PC: %d", w.Code)
	}
}

// TestWhoNeedsThePassword: only a connection of which both ends are loopback is this PC's for sure.
func TestWhoNeedsThePassword(t *testing.T) {
	for _, row := range []struct {
		local, remote string
		pass          bool
	}{
		{"127.0.0.1", "127.0.0.1", true}, {"127.0.0.5", "127.0.0.1", true}, {"::1", "::1", true},
		{"::ffff:127.0.0.1", "::ffff:127.0.0.1", true}, // what a socket for both families reports
		{thisPC, otherPC, false}, {thisPC, thisPC, false}, {thisPC, "127.0.0.1", false}, {"127.0.0.1", otherPC, false},
		{"fe80::2%eth0", "fe80::3%eth0", false}, {"127.0.0.1", "127.0.0.1.evil", false},
	} {
		for _, password := range []func(string) bool{nil, func(string) bool { return false }} {
			s, _ := newServer(t, Options{Hosts: []string{"gamepc"}, Password: password})
			r := httptest.NewRequest("GET", "/page.css", nil)
			if remote, err := netip.ParseAddr(row.remote); err == nil {
				r = from(r, row.local, remote.String())
			} else {
				r = from(r, row.local, row.local)
				r.RemoteAddr = row.remote
			}
			r.Host = "gamepc"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if (w.Code == http.StatusOK) != row.pass {
				t.Errorf("%s from %s, password %t: %d", row.local, row.remote, password != nil, w.Code)
			}
		}
	}
	s, _ := newServer(t, Options{})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "http://localhost/", nil) // nobody knows where it came from
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("a request from nowhere: %d", w.Code)
	}
}

// TestHostWallBehindPassword: also with the password a page of another name is refused, and is refused
// before it can ask for the password.
func TestHostWallBehindPassword(t *testing.T) {
	s, _, compared := locked(t, time.Now)
	for host, want := range map[string]int{
		thisPC + ":27880": 200, thisPC: 200, "localhost": 200, "192.168.77.9": 421, "evil.example": 421, "0.0.0.0:27880": 421, "127.0.0.1:27880": 200,
	} {
		compared.Store(0)
		r := from(httptest.NewRequest("GET", "/page.css", nil), thisPC, otherPC)
		r.Host = host
		r.SetBasicAuth("", rightWord)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
		r.Header.Del("Authorization")
		w = httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if want == 421 && (w.Code != 421 || w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("Host %q asks for the password", host)
		}
	}
	r := from(httptest.NewRequest("POST", "/api/v1/refresh", nil), thisPC, otherPC)
	r.Host = thisPC
	r.SetBasicAuth("", rightWord)
	r.Header.Set("Origin", "https://evil.example")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("another site, with the password that the browser remembers: %d", w.Code)
	}
}

// TestPasswordIsComparedOnce: a page asks many times a minute, and one comparison takes half a second.
func TestPasswordIsComparedOnce(t *testing.T) {
	s, _, compared := locked(t, time.Now)
	for range 100 {
		if w := visit(s, otherPC, "GET", "/page.css", rightWord); w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	if n := compared.Load(); n != 1 {
		t.Errorf("compared %d times", n)
	}
	if visit(s, otherPC, "GET", "/page.css", "wrong").Code == 200 || visit(s, otherPC, "GET", "/page.css", rightWord+"x").Code == 200 {
		t.Error("after the right password any other one passes")
	}
}

func TestWrongPasswordsAreSlowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, compared := locked(t, time.Now)
		try := func(remote, password string) (int, time.Duration) {
			w := visit(s, remote, "GET", "/page.css", password)
			seconds, _ := strconv.Atoi(w.Header().Get("Retry-After"))
			return w.Code, time.Duration(seconds) * time.Second
		}
		try(otherPC, rightWord) // it is remembered: and yet it cannot be guessed at that way
		begin := time.Now()
		waits, guesses := 0, 0
		for time.Since(begin) < time.Hour {
			switch code, wait := try(otherPC, fmt.Sprint("guess ", guesses)); code {
			case http.StatusUnauthorized:
				guesses++
			case http.StatusTooManyRequests:
				waits++
				if code, _ := try(otherPC, rightWord); code != http.StatusTooManyRequests {
					t.Fatalf("the right password is told from a wrong one while waiting: %d", code)
				}
				if code, _ := try("192.168.77.4", rightWord); code != http.StatusOK {
					t.Fatalf("another address has to wait, too: %d", code)
				}
				time.Sleep(wait)
			default:
				t.Fatal(code)
			}
		}
		if guesses > 80 || guesses < 50 || waits == 0 {
			t.Errorf("%d guesses in an hour, %d waits", guesses, waits)
		}
		if n := int(compared.Load()); n != guesses+1 {
			t.Errorf("%d comparisons for %d guesses", n, guesses)
		}
		if w := ask(s, "GET", "/page.css", nil); w.Code != 200 {
			t.Errorf("this PC is locked out: %d", w.Code)
		}
		time.Sleep(longestWait)
		if code, _ := try(otherPC, rightWord); code != 200 {
			t.Errorf("the right password after a minute: %d", code)
		}
		for range freeTries - 1 {
			if code, _ := try(otherPC, "typo"); code != http.StatusUnauthorized {
				t.Errorf("a slip of the finger after a success: %d", code)
			}
		}
	})
}

// TestParallelGuesses: what is sent at once counts as what is sent in turn.
func TestParallelGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, compared := locked(t, time.Now)
		matches := s.gate.matches
		s.gate.matches = func(p string) bool {
			<-time.After(300 * time.Millisecond) // what it costs
			return matches(p)
		}
		var wg sync.WaitGroup
		var passed atomic.Int32
		for i := range 200 {
			wg.Go(func() {
				if visit(s, otherPC, "GET", "/page.css", fmt.Sprint("guess ", i)).Code == 200 {
					passed.Add(1)
				}
			})
		}
		begin := time.Now()
		wg.Wait()
		if n := compared.Load(); n != freeTries || passed.Load() != 0 || time.Since(begin) > 2*turnPatience {
			t.Errorf("%d comparisons, %d passed, in %v", n, passed.Load(), time.Since(begin))
		}
	})
}

// TestOffendersAreBounded: a botnet, or one PC with all the addresses of its IPv6 network.
func TestOffendersAreBounded(t *testing.T) {
	now := noon
	s, _, _ := locked(t, func() time.Time { return now })
	before := heap()
	for i := range 2 * maxOffenders {
		now = now.Add(time.Millisecond)
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		s.gate.offend(a)
	}
	if n := len(s.gate.offenders); n > maxOffenders {
		t.Errorf("%d addresses are kept", n)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	s.gate.offenders = map[netip.Addr]offence{}
	for i := range 100 {
		visit(s, fmt.Sprintf("2001:db8::%x", i+1), "GET", "/page.css", "guess")
	}
	if n := len(s.gate.offenders); n != 1 {
		t.Errorf("one home counts as %d", n)
	}
	now = now.Add(2 * forgottenIn)
	for i := range maxOffenders {
		s.gate.offend(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	if n := len(s.gate.offenders); n > maxOffenders {
		t.Errorf("%d addresses are kept", n)
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
