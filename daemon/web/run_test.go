package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunServesWhatItCan(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	takenAddr := taken.Addr().String()
	var notices []string
	s, _ := newServer(t, Options{
		Listen: []netip.AddrPort{
			netip.MustParseAddrPort("192.168.77.2:27880"),
			netip.MustParseAddrPort(takenAddr),
			netip.MustParseAddrPort("127.0.0.1:0"),
		},
		Notice: func(n string) { notices = append(notices, n) },
	})
	listeners, err := s.listen(t.Context())
	if len(listeners) != 1 || !errors.Is(err, ErrNotLoopback) || len(notices) != 2 {
		t.Fatalf("%d listeners, notices %q, error %v", len(listeners), notices, err)
	}
	for i, want := range [][]string{{"192.168.77.2:27880", "no password", "page.listen"}, {takenAddr, "another program", "page.listen"}} {
		for _, words := range want {
			if !strings.Contains(notices[i], words) {
				t.Errorf("notice %q lacks %q", notices[i], words)
			}
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.serve(ctx, listeners) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	url := "http://" + listeners[0].Addr().String()
	resp, err := client.Get(url + "/healthz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
	stream, err := client.Get(url + "/api/v1/events")
	if err != nil || stream.StatusCode != 200 {
		t.Fatalf("%v, %v", stream, err)
	}
	begin := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run ends with %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream is cut, not ended: %v", err)
	}
	stream.Body.Close()
}

func TestRunWithoutAnyAddress(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s, _ := newServer(t, Options{Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:0")}})
	if err := s.Run(ctx); !errors.Is(err, ErrNotLoopback) {
		t.Errorf("error %v", err)
	}
	s, _ = newServer(t, Options{})
	if err := s.Run(ctx); err != nil {
		t.Errorf("with nothing to listen on: %v", err)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, _ := newServer(t, Options{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestSlowRequests sends requests that stop in the middle; each must be let go in its time.
func TestSlowRequests(t *testing.T) {
	tests := []struct {
		name, request string
		after         time.Duration
	}{
		{"nothing at all", "", 5 * time.Second},
		{"half a header", "GET / HTTP/1.1\nHost: loc", 5 * time.Second},
		{"half a body", "POST /api/v1/refresh HTTP/1.1\nHost: localhost\nContent-Length: 10\n\nhalf", 10 * time.Second},
		{"an answer nobody reads", "GET / HTTP/1.1\nHost: localhost\n\n", 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sitter, l, stop := serveBubble(t, Options{})
				conn, _ := l.connect(t, tt.request)
				defer conn.Close()
				<-time.After(tt.after + 700*time.Millisecond) // the server lingers 0.5 s on an error
				synctest.Wait()
				conn.SetDeadline(time.Now().Add(time.Minute))
				begin := time.Now()
				io.Copy(io.Discard, conn)
				if waited := time.Since(begin); waited > time.Second {
					t.Errorf("the connection was open %v later", waited)
				}
				if n := sitter.refreshed.Load(); n != 0 {
					t.Errorf("refreshed %d times", n)
				}
				stop()
			})
		})
	}
}

func TestHeaderLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l, stop := serveBubble(t, Options{})
		ours, theirs := net.Pipe()
		l.conns <- theirs
		go io.WriteString(ours, "GET / HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 2*maxHeaderBytes)+"\r\n\r\n")
		answer := make([]byte, 12)
		if _, err := io.ReadFull(ours, answer); err != nil || string(answer) != "HTTP/1.1 431" {
			t.Errorf("answer %q, %v", answer, err)
		}
		ours.Close()
		stop()
	})
}
