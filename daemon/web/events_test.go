package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/portsitter/portsitter/daemon"
)

// pipeListener hands out the ends of pipes, so that a real http.Server runs under a faked clock.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 27880} }

// loopbackConn is a pipe that says of itself that it is a connection of this PC with itself.
type loopbackConn struct{ net.Conn }

func (loopbackConn) LocalAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 27880}
}
func (loopbackConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000}
}

// dial opens a connection.
func (l *pipeListener) dial() net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- loopbackConn{theirs}
	return ours
}

// connect opens a connection and writes a request.
func (l *pipeListener) connect(t *testing.T, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	ours := l.dial()
	if _, err := io.WriteString(ours, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	return ours, bufio.NewReader(ours)
}

// serveBubble runs the server inside a synctest bubble; stop ends it and returns how long that took.
func serveBubble(t *testing.T, o Options) (sitter *fakeSitter, l *pipeListener, stop func() time.Duration) {
	s, sitter := newServer(t, o)
	sitter.newer = make(chan struct{})
	l = &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve(ctx, []opener{{"", func(context.Context) (net.Listener, error) { return l, nil }}})
	}()
	return sitter, l, func() time.Duration {
		begin := time.Now()
		cancel()
		<-done
		return time.Since(begin)
	}
}

const streamRequest = "GET /api/v1/events HTTP/1.1\nHost: localhost\nLast-Event-ID: not a number\n\n"

// openStream reads the head of the answer and returns its events' lines.
func openStream(t *testing.T, l *pipeListener) (net.Conn, *bufio.Scanner) {
	t.Helper()
	conn, r := l.connect(t, streamRequest)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %s, type %q", resp.Status, resp.Header.Get("Content-Type"))
	}
	return conn, bufio.NewScanner(resp.Body)
}

// event reads lines up to the next empty one.
func event(t *testing.T, lines *bufio.Scanner) []string {
	t.Helper()
	var got []string
	for lines.Scan() && lines.Text() != "" {
		got = append(got, lines.Text())
	}
	return got
}

func passOf(t *testing.T, ev []string) uint64 {
	t.Helper()
	if len(ev) != 3 || ev[1] != "event: status" {
		t.Fatalf("event %q", ev)
	}
	var st daemon.Status
	if err := json.Unmarshal([]byte(strings.TrimPrefix(ev[2], "data: ")), &st); err != nil {
		t.Fatal(err)
	}
	return st.Pass
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sitter, l, stop := serveBubble(t, Options{})
		conn, lines := openStream(t, l)
		defer conn.Close()
		if got := event(t, lines); len(got) != 1 || got[0] != "retry: 2000" {
			t.Errorf("the stream begins with %q", got)
		}
		first := event(t, lines)
		if first[0] != "id: 42" || passOf(t, first) != 42 {
			t.Errorf("first event %q", first)
		}
		for pass := uint64(43); pass < 46; pass++ {
			next := *sitter.Status()
			next.Pass = pass
			sitter.publish(&next)
			if got := passOf(t, event(t, lines)); got != pass {
				t.Errorf("pass %d, want %d", got, pass)
			}
		}
		// The server's own deadlines are 10 s; a quiet stream must outlive them.
		begin := time.Now()
		for beat := 1; beat <= 8; beat++ {
			if got := event(t, lines); len(got) != 1 || got[0] != ": still here" {
				t.Fatalf("heartbeat %d: %q (%v)", beat, got, lines.Err())
			}
			if at := time.Since(begin); at != time.Duration(beat)*heartbeat {
				t.Errorf("heartbeat %d after %v", beat, at)
			}
		}
		if took := stop(); took > time.Second {
			t.Errorf("stopping took %v with an open stream", took)
		}
	})
}

// A publication is made an event once, however many pages are open, and another one is another event.
func TestStatusEventOnce(t *testing.T) {
	var s Server
	first, second := &daemon.Status{Pass: 7}, &daemon.Status{Pass: 8}
	var events []string
	for _, st := range []*daemon.Status{first, first, second, first} {
		event, err := s.statusEvent(st)
		if err != nil || !strings.HasPrefix(event, fmt.Sprintf("id: %d\n", st.Pass)) {
			t.Fatalf("pass %d: %q, %v", st.Pass, event, err)
		}
		events = append(events, event)
	}
	if unsafe.StringData(events[0]) != unsafe.StringData(events[1]) {
		t.Error("written twice")
	}
}

func TestStreamSkipsWhatIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sitter, l, stop := serveBubble(t, Options{})
		conn, lines := openStream(t, l)
		defer conn.Close()
		event(t, lines)
		event(t, lines)
		for pass := uint64(43); pass < 60; pass++ { // faster than anybody reads
			next := *sitter.Status()
			next.Pass = pass
			sitter.publish(&next)
		}
		last := uint64(42)
		for last < 59 {
			got := passOf(t, event(t, lines))
			if got <= last {
				t.Fatalf("pass %d after %d", got, last)
			}
			last = got
		}
		stop()
	})
}

func TestStreamReaderThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sitter, l, stop := serveBubble(t, Options{})
		conn, lines := openStream(t, l)
		defer conn.Close()
		event(t, lines)
		event(t, lines)
		next := *sitter.Status()
		next.Pass = 43
		sitter.publish(&next)
		<-time.After(writeDeadline + time.Second)
		synctest.Wait()
		if _, err := conn.Write([]byte("x")); err == nil {
			t.Error("a reader that takes nothing for 11 s keeps its stream")
		}
		stop()
	})
}

func TestStreamLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l, stop := serveBubble(t, Options{})
		var conns []net.Conn
		for range maxStreams {
			conn, lines := openStream(t, l)
			event(t, lines)
			event(t, lines)
			conns = append(conns, conn)
		}
		refused, r := l.connect(t, streamRequest)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		words, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "10" || !strings.Contains(string(words), "/api/v1/status") {
			t.Errorf("stream 33: status %s, Retry-After %q, %q", resp.Status, resp.Header.Get("Retry-After"), words)
		}
		refused.Close()
		conns[0].Close()
		synctest.Wait()
		again, _ := openStream(t, l)
		again.Close()
		for _, c := range conns[1:] {
			c.Close()
		}
		if took := stop(); took > time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestStreamHead(t *testing.T) {
	s, _ := newServer(t, Options{})
	begin := time.Now()
	if w := ask(s, "HEAD", "/api/v1/events", nil); w.Code != 200 || time.Since(begin) > 5*time.Second || w.Header().Get("Content-Type") != "text/event-stream" || w.Body.Len() != 0 {
		t.Errorf("status %d, %q, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
	if n := len(s.streams); n != 0 {
		t.Errorf("%d streams stay open", n)
	}
}
