package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What somebody who means harm can send. Nothing must happen, and memory must stay flat.

// serveReal serves on a real socket of loopback and returns its address.
func serveReal(t *testing.T, s *Server, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	l, _ := listening(t)
	if wrap == nil {
		wrap = func(l net.Listener) net.Listener { return l }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve(ctx, []opener{{"", func(context.Context) (net.Listener, error) { return wrap(l), nil }}})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String()
}

// lan makes each connection one of another PC.
type lan struct{ net.Listener }

type lanConn struct{ net.Conn }

func (l lan) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return lanConn{c}, nil
}

func (c lanConn) LocalAddr() net.Addr  { return lanAddr(thisPC) }
func (c lanConn) RemoteAddr() net.Addr { return lanAddr(otherPC) }

func lanAddr(a string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(a), 27880))
}

// TestGetChangesNothing: a picture in a page of another site is a GET, and carries the password that
// the browser remembers.
func TestGetChangesNothing(t *testing.T) {
	s, sitter := newServer(t, Options{})
	posts := 0
	for pattern := range s.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		if method != http.MethodPost {
			continue
		}
		posts++
		for _, m := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
			if w := ask(s, m, path+"?port=Kaillera+P2P&while_hosting=1", nil); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, Allow %q", m, path, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := ask(s, "POST", path+"?port=Kaillera+P2P", nil, "Origin: https://evil.example"); w.Code != http.StatusForbidden {
			t.Errorf("POST %s of another site: %d", path, w.Code)
		}
		if w := ask(s, "POST", path+"?port=Kaillera+P2P", nil, "Host: evil.example"); w.Code != http.StatusMisdirectedRequest {
			t.Errorf("POST %s to another name: %d", path, w.Code)
		}
	}
	if posts < 3 {
		t.Errorf("only %d routes that change something", posts)
	}
	if sitter.refreshed.Load() != 0 || len(sitter.asked) != 0 {
		t.Errorf("the daemon was asked: %d, %q", sitter.refreshed.Load(), sitter.asked)
	}
}

// TestManyHeaders: 10 000 of them are more than the server reads, however short they are.
func TestManyHeaders(t *testing.T) {
	s, sitter := newServer(t, Options{})
	addr := serveReal(t, s, nil)
	before := heap()
	for range 20 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, "POST /api/v1/refresh HTTP/1.1\r\nHost: localhost\r\n"+strings.Repeat("A: b\r\n", 10_000)+"\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("answer %s", resp.Status)
		}
		conn.Close()
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if sitter.refreshed.Load() != 0 {
		t.Error("the request was served")
	}
}

// TestManyStreams opens 1000 event streams at once: 32 of them stream, the others are told to poll, and
// when they are gone nothing is left of them.
func TestManyStreams(t *testing.T) {
	s, _ := newServer(t, Options{})
	addr := serveReal(t, s, nil)
	before := heap()
	var streaming, told, failed atomic.Int32
	conns := make([]net.Conn, 1000)
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				failed.Add(1)
				return
			}
			conns[i] = conn
			io.WriteString(conn, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
			conn.SetReadDeadline(time.Now().Add(30 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			switch {
			case err != nil:
				failed.Add(1)
			case resp.StatusCode == http.StatusOK:
				streaming.Add(1)
			case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "10":
				told.Add(1)
			}
		})
	}
	wg.Wait()
	if streaming.Load() != maxStreams || told.Load() != 1000-maxStreams {
		t.Errorf("%d stream, %d are told to poll, %d failed", streaming.Load(), told.Load(), failed.Load())
	}
	if during := heap() - before; during > 64<<20 {
		t.Errorf("1000 connections cost %d bytes", during)
	}
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
	settle(t, "streams are still counted", func() bool { return len(s.streams) == 0 })
	settle(t, "the heap has not shrunk again", func() bool { return heap()-before < 4<<20 })
}

// settle waits until the server has noticed that its clients are gone.
func settle(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Error(otherwise)
}

// TestGuestsAreFew: who has no password yet cannot fill memory with connections either; and this PC is
// not turned away for them.
func TestGuestsAreFew(t *testing.T) {
	s, _, _ := locked(t, time.Now)
	places := make(chan struct{}, maxGuests)
	guests := serveReal(t, s, func(l net.Listener) net.Listener { return fewGuests{lan{l}, places} })
	own := serveReal(t, s, func(l net.Listener) net.Listener { return fewGuests{l, places} })
	var open []net.Conn
	turnedAway := 0
	for range maxGuests + 20 {
		conn, err := net.Dial("tcp", guests)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET /page.css HTTP/1.1\r\nHost: "+thisPC+"\r\n\r\n")
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			turnedAway++
		} else if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("answer %s", resp.Status)
		}
		open = append(open, conn)
	}
	if turnedAway != 20 {
		t.Errorf("%d were turned away, want 20", turnedAway)
	}
	if resp, err := http.Get("http://" + own + "/page.css"); err != nil || resp.StatusCode != 200 {
		t.Errorf("this PC: %v, %v", resp, err)
	} else {
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	}
	open[0].Close()
	settle(t, "a guest who is gone keeps its place", func() bool { return len(places) < maxGuests })
}

// TestPageThroughThePassword: what the page's script does works with the password, too: the page, its
// parts, a post, and the stream.
func TestPageThroughThePassword(t *testing.T) {
	s, sitter, compared := locked(t, time.Now)
	addr := serveReal(t, s, func(l net.Listener) net.Listener { return lan{l} })
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	do := func(method, path string) *http.Response {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = thisPC + ":27880"
		r.SetBasicAuth("", rightWord)
		r.Header.Set("Origin", "http://"+r.Host)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	for path, method := range map[string]string{"/": "GET", "/page.js": "GET", "/favicon.svg": "GET", "/api/v1/status": "GET", "/api/v1/refresh": "POST"} {
		resp := do(method, path)
		if resp.StatusCode >= 300 {
			t.Errorf("%s: %s", path, resp.Status)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	stream := do("GET", "/api/v1/events")
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	event(t, lines)
	if got := event(t, lines); passOf(t, got) != 42 {
		t.Errorf("the stream says %q", got)
	}
	if sitter.refreshed.Load() != 1 || compared.Load() != 1 {
		t.Errorf("refreshed %d times, compared %d passwords", sitter.refreshed.Load(), compared.Load())
	}
}

// TestHostileTextInJSON: what strangers call themselves is data in the JSON: it cannot end a script
// that somebody pastes it into, nor begin an event of its own.
func TestHostileTextInJSON(t *testing.T) {
	const evil = "</script><script>alert(1)</script>\n\nevent: status\ndata: {}\n\n\u2028\x1b[2J\x00"
	s, sitter := newServer(t, Options{})
	st := *sitter.Status()
	st.Pass = 43
	router := *st.Router
	router.Name = evil
	st.Router = &router
	sitter.publish(&st)
	sitter.history[0].Text = evil
	for _, path := range []string{"/api/v1/status", "/api/v1/history"} {
		w := ask(s, "GET", path, nil)
		for _, bad := range []string{"<script", "\x1b", "\x00", "\u2028"} {
			if strings.Contains(w.Body.String(), bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
	}
	addr := serveReal(t, s, nil)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + addr + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	event(t, lines)
	if got := event(t, lines); len(got) != 3 || passOf(t, got) != 43 {
		t.Errorf("one status is %d lines: %q", len(got), got)
	}
}

// TestNeverServedWithoutPassword: whatever the settings say.
func TestNeverServedWithoutPassword(t *testing.T) {
	s, _ := newServer(t, Options{Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:27880")}})
	addr := serveReal(t, s, func(l net.Listener) net.Listener { return lan{l} })
	r, _ := http.NewRequest("GET", fmt.Sprintf("http://%s/api/v1/status", addr), nil)
	r.Host = thisPC
	r.SetBasicAuth("", "")
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another PC gets %s", resp.Status)
	}
	if !strings.Contains(ErrNoPassword.Error(), "config password") || errors.Is(ErrNoPassword, net.ErrClosed) {
		t.Error("the error does not say what to do")
	}
}
