package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAddresses(t *testing.T) {
	tests := []struct {
		name, listen, without, with string // what is served without a password, and with one
		complaints                  int    // without a password
	}{
		{"usual", "127.0.0.1:27880", "127.0.0.1:27880", "127.0.0.1:27880", 0},
		{"no page", "", "", "", 0},
		{"an address of the home", "192.168.77.2:27880", "127.0.0.1:27880", "127.0.0.1:27880 192.168.77.2:27880", 1},
		{"both", "192.168.77.2:80 127.0.0.1:27880", "127.0.0.1:27880", "127.0.0.1:27880 192.168.77.2:80", 1},
		{"every address", "0.0.0.0:27880", "127.0.0.1:27880", "0.0.0.0:27880", 1},
		{"every address, and loopback", "127.0.0.1:27880 0.0.0.0:27880", "127.0.0.1:27880", "0.0.0.0:27880", 1},
		{"every address at another port", "127.0.0.1:27880 0.0.0.0:80", "127.0.0.1:27880", "127.0.0.1:27880 0.0.0.0:80", 1},
		{"every IPv6 address", "[::]:27880 127.0.0.1:27880 0.0.0.0:27880", "127.0.0.1:27880", "[::]:27880", 2},
		{"IPv4 does not stand for IPv6", "[::1]:27880 0.0.0.0:27880", "[::1]:27880", "[::1]:27880 0.0.0.0:27880", 1},
		{"IPv6 loopback", "[::1]:27880", "[::1]:27880", "[::1]:27880", 0},
		{"a carrier's address", "100.64.0.1:27880", "127.0.0.1:27880", "127.0.0.1:27880 100.64.0.1:27880", 1},
	}
	for _, tt := range tests {
		for _, password := range []func(string) bool{nil, func(string) bool { return false }} {
			var listen []netip.AddrPort
			for a := range strings.FieldsSeq(tt.listen) {
				listen = append(listen, netip.MustParseAddrPort(a))
			}
			var notices []string
			s, _ := newServer(t, Options{Listen: listen, Password: password, Notice: func(n string) { notices = append(notices, n) }})
			want, complaints := tt.without, tt.complaints
			if password != nil {
				want, complaints = tt.with, 0
			}
			if got := strings.Trim(fmt.Sprint(s.addresses()), "[]"); got != strings.Trim(want, "[]") {
				t.Errorf("%s, password %t: serves %q, want %q", tt.name, password != nil, got, want)
			}
			if len(notices) != complaints {
				t.Errorf("%s, password %t: says %q", tt.name, password != nil, notices)
			}
			for _, n := range notices {
				if !strings.Contains(n, "portsitter config password") {
					t.Errorf("%s: does not say what to do: %q", tt.name, n)
				}
			}
		}
	}
}

// listening reserves an address on loopback, and returns what opens it.
func listening(t *testing.T) (net.Listener, opener) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, opener{l.Addr().String(), func(context.Context) (net.Listener, error) { return l, nil }}
}

func TestServeEndsWithItsStreams(t *testing.T) {
	s, _ := newServer(t, Options{})
	l, open := listening(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve(ctx, []opener{open})
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	url := "http://" + l.Addr().String()
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
	<-done
	if took := time.Since(begin); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream is cut, not ended: %v", err)
	}
	stream.Body.Close()
}

// TestAddressThatIsTaken: it is told once, and served when it is free; then it is not told any more.
func TestAddressThatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notices []string
		s, _ := newServer(t, Options{Notice: func(n string) { notices = append(notices, n) }})
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		tries := 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.serve(ctx, []opener{{"b", func(context.Context) (net.Listener, error) {
				if tries++; tries <= 3 {
					return nil, errors.New("it is taken")
				}
				return l, nil
			}}})
		}()
		begin := time.Now()
		conn, r := l.connect(t, "GET /healthz HTTP/1.1\nHost: localhost\n\n")
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("%v, %v", resp, err)
		}
		conn.Close()
		if took := time.Since(begin); took != 3*listenAgain {
			t.Errorf("served after %v", took)
		}
		if want := []string{"it is taken", ""}; !slices.Equal(notices, want) {
			t.Errorf("told %q, want %q", notices, want)
		}
		cancel()
		<-done
	})
}

// TestTroubles: an address that is served again does not take back what is wrong with another one.
func TestTroubles(t *testing.T) {
	var told []string
	s, _ := newServer(t, Options{Notice: func(n string) { told = append(told, n) }})
	s.content("a")
	s.complain("b", errors.New("b is taken"))
	s.complain("a", errors.New("a is not there"))
	s.complain("a", errors.New("a is not there"))
	s.complain("a", errors.New("a is taken"))
	s.content("b")
	s.content("b")
	s.content("a")
	want := []string{"b is taken", "a is not there; b is taken", "a is taken; b is taken", "a is taken", ""}
	if !slices.Equal(told, want) {
		t.Errorf("told %q\nwant %q", told, want)
	}
}

// TestListenOn: what the system says about an address that cannot be had reaches a person, with what
// to do about it; and IPv4 means IPv4.
func TestListenOn(t *testing.T) {
	s, _ := newServer(t, Options{})
	taken, _ := listening(t)
	if _, err := s.listenOn(t.Context(), netip.MustParseAddrPort(taken.Addr().String())); err == nil ||
		!strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("error %v", err)
	}
	l, err := s.listenOn(t.Context(), netip.MustParseAddrPort("0.0.0.0:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a := l.Addr().(*net.TCPAddr).AddrPort().Addr(); !a.Is4() {
		t.Errorf("0.0.0.0 listens on %v", a)
	}
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s, _ := newServer(t, Options{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	s.Run(ctx)
	s, _ = newServer(t, Options{})
	s.Run(ctx)
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
		ours := l.dial()
		go io.WriteString(ours, "GET / HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 2*maxHeaderBytes)+"\r\n\r\n")
		answer := make([]byte, 12)
		if _, err := io.ReadFull(ours, answer); err != nil || string(answer) != "HTTP/1.1 431" {
			t.Errorf("answer %q, %v", answer, err)
		}
		ours.Close()
		stop()
	})
}
