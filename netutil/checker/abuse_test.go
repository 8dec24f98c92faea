package checker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/kaillera"
)

// Nothing that a caller can write makes a packet go to anybody but himself.
func TestNoPacketToOthers(t *testing.T) {
	bystander, addr := socket(t, "127.0.0.2:0")
	port := portText(addr.Port())
	home := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	tests := []struct {
		name    string
		o       ServerOptions
		body    string
		header  []string
		status  int
		message string
	}{
		{"another address", ServerOptions{AllowPrivate: true}, `{"host":"127.0.0.2","port":` + port + `}`, nil, 400, "only the address that asks is checked"},
		{"written as IPv6", ServerOptions{AllowPrivate: true}, `{"host":"::ffff:127.0.0.2","port":` + port + `}`, nil, 400, "only the address that asks"},
		{"a name", ServerOptions{AllowPrivate: true}, `{"host":"localhost","port":` + port + `}`, nil, 400, "must be an address"},
		{"an odd spelling", ServerOptions{AllowPrivate: true}, `{"host":"127.2","port":` + port + `}`, nil, 400, "must be an address"},
		{"forged header, no proxy", ServerOptions{AllowPrivate: true}, `{"host":"127.0.0.2","port":` + port + `}`, []string{"X-Forwarded-For", "127.0.0.2"}, 400, "only the address"},
		{"forged header behind a proxy", ServerOptions{AllowPrivate: true, TrustedProxies: home}, `{"host":"127.0.0.2","port":` + port + `}`, []string{"X-Forwarded-For", "127.0.0.2, 127.0.0.9"}, 400, `must be "127.0.0.9"`},
		{"other headers", ServerOptions{AllowPrivate: true, TrustedProxies: home}, `{"host":"127.0.0.2","port":` + port + `}`, []string{"CF-Connecting-IP", "127.0.0.2", "Forwarded", "for=127.0.0.2", "X-Real-IP", "127.0.0.2"}, 400, "only the address"},
		{"private address", ServerOptions{}, `{"host":"self","port":` + port + `}`, nil, 400, "not a public one"},
		{"private address behind a proxy", ServerOptions{TrustedProxies: home}, `{"host":"self","port":` + port + `}`, []string{"X-Forwarded-For", "127.0.0.2"}, 400, "not a public one"},
		{"nonsense from the proxy", ServerOptions{AllowPrivate: true, TrustedProxies: home}, `{"host":"self","port":` + port + `}`, []string{"X-Forwarded-For", "127.0.0.2, unknown"}, 400, "does not tell your address"},
		{"over IPv6", ServerOptions{AllowPrivate: true, TrustedProxies: home}, `{"host":"self","port":` + port + `}`, []string{"X-Forwarded-For", "2001:db8::1"}, 400, "over IPv6"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := serve(t, tt.o, nil).ask(t, "POST", CheckPath, tt.body, tt.header...)
			if a.status != tt.status || !strings.Contains(a.Message, tt.message) || a.Success || a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%d %s", a.status, a.text)
			}
			if n := got(t, bystander); n != 0 {
				t.Errorf("the bystander got %d packets", n)
			}
		})
	}
	// The same bystander, asking through the proxy, does get some: the counter counts.
	s := serve(t, ServerOptions{AllowPrivate: true, TrustedProxies: home}, nil)
	if a := s.ask(t, "POST", CheckPath, `{"host":"self","port":`+port+`}`, "X-Forwarded-For", "127.0.0.3, 127.0.0.2"); a.status != 200 || got(t, bystander) == 0 {
		t.Errorf("the caller himself: %d %s", a.status, a.text)
	}
}

func TestQuestionsRefused(t *testing.T) {
	s := serve(t, ServerOptions{AllowPrivate: true}, nil)
	for body, message := range map[string]string{
		`{"host":"self","port":53}`:              "port 53 is not checked",
		`{"host":"self","port":1024}`:            "port 1024 is not checked",
		`{"host":"self","port":0}`:               "port 0 is not checked",
		`{"host":"self","port":65536}`:           `"port" must be a number`,
		`{"host":"self","port":-1}`:              `"port" must be a number`,
		`{"host":"self","port":2e3}`:             `"port" must be a number`,
		`{"host":"self","port":"0x7d0"}`:         `"port" must be a number`,
		`{"host":"self","port":null}`:            `"port" must be a number`,
		`{"host":"self","port":[2000]}`:          `"port" must be a number`,
		`{"port":2000}`:                          `"host" is missing`,
		`{"host":7,"port":2000}`:                 `"host" is missing`,
		`{"host":"","port":2000}`:                `"host" is missing`,
		`{"host":"self","port":2000,"game":"x"}`: `"game" is "x"`,
		``:                                       "not a JSON object",
		`[]`:                                     "not a JSON object",
		`"self"`:                                 "not a JSON object",
		`{"host":"self"}{"host":"self"}`:         "not a JSON object",
		`host=self&port=2000`:                    "not a JSON object",
		"\x00\xff":                               "not a JSON object",
		strings.Repeat(`{"host":`, 500):          "not a JSON object",
		`{"host":"self","via":"` + strings.Repeat("x", 3000):  "not a JSON object",
		`{"host":"self","via":"` + strings.Repeat("x", 5000):  "more than 4096 bytes",
		`{"host":"<script>alert(1)</script>","port":2000}`:    "must be an address",
		`{"host":"169.254.169.254","port":2000,"x":{"y":[]}}`: "only the address that asks",
	} {
		a := s.ask(t, "POST", CheckPath, body)
		if a.status/100 != 4 || !strings.Contains(a.Message, message) || a.Success || len(a.meta) != 0 || strings.Contains(a.text, "script") {
			t.Errorf("%.60s: %d %s", body, a.status, a.text)
		}
	}
}

func TestFloodFromOneAddress(t *testing.T) {
	victim, addr := socket(t, "127.0.0.1:0")
	now := newClock()
	s := serve(t, ServerOptions{AllowPrivate: true, Now: now.now}, nil)
	body := `{"host":"self","port":` + portText(addr.Port()) + `}`
	count := map[int]int{}
	for range 100 {
		a := s.ask(t, "POST", CheckPath, body)
		count[a.status]++
		if a.status == 429 && (a.header.Get("Retry-After") != "10" || a.meta["host"] != "127.0.0.1") {
			t.Errorf("Retry-After %q, %s", a.header.Get("Retry-After"), a.text)
		}
	}
	if count[200] != eachBurst || count[429] != 100-eachBurst {
		t.Errorf("answers by status: %v", count)
	}
	if n := got(t, victim); n > eachBurst*12 {
		t.Errorf("%d packets", n)
	}
	now.pass(eachEvery)
	if a := s.ask(t, "POST", CheckPath, body); a.status != 200 {
		t.Errorf("after %v: %d %s", eachEvery, a.status, a.text)
	}
}

func TestLongBody(t *testing.T) {
	s := serve(t, ServerOptions{AllowPrivate: true}, nil)
	a := s.ask(t, "POST", CheckPath, strings.Repeat("x", 1<<20))
	if a.status != 413 || a.Success {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestSlowBody(t *testing.T) {
	s := serve(t, ServerOptions{AllowPrivate: true}, func(s *Server) { s.readTimeout = 100 * time.Millisecond })
	for name, start := range map[string]string{
		"body":   "POST " + CheckPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"host\"",
		"header": "POST " + CheckPath + " HTTP/1.1\r\nHost: x\r\nContent-Le",
	} {
		conn, err := net.Dial("tcp4", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, start)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn) // until the server hangs up
		if err != nil {
			t.Errorf("slow %s: still connected: %v", name, err)
		}
		if name == "body" && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("slow body: %q", answer)
		}
	}
}

// A check may last longer than a request may take to come in.
func TestLongCheck(t *testing.T) {
	_, addr := socket(t, "127.0.0.1:0")
	s := serve(t, ServerOptions{AllowPrivate: true, Budget: 500 * time.Millisecond}, func(s *Server) { s.readTimeout = 50 * time.Millisecond })
	if a := s.ask(t, "POST", CheckPath, `{"host":"self","port":`+portText(addr.Port())+`}`); a.status != 200 || a.Success {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// Who asks and leaves does not cut the check short: a host could be left in the middle of it.
func TestCallerLeaves(t *testing.T) {
	host, addr := socket(t, "127.0.0.1:0")
	s := serve(t, ServerOptions{AllowPrivate: true, Budget: 500 * time.Millisecond}, nil)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		host.ReadFrom(make([]byte, 2048)) // the check is under way
		leave()
	}()
	if _, err := lab(s.url+CheckPath).Ask(ctx, loopback, addr.Port(), "", nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	host.SetReadDeadline(time.Now().Add(5 * time.Second))
	for i := range 9 { // of 12 in all
		if _, _, err := host.ReadFrom(make([]byte, 2048)); err != nil {
			t.Fatalf("%d more packets: %v", i, err)
		}
	}
}

// 200 checks are under way at most, in less than 64 MB; the next one is told to come later.
func TestManyChecks(t *testing.T) {
	s := serve(t, ServerOptions{
		AllowPrivate: true, Rate: 1e6, Budget: time.Minute,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}, nil)
	before := memory()
	var all sync.WaitGroup
	hosts := make([]net.PacketConn, maxInFlight)
	for i := range hosts {
		c, addr := socket(t, fmt.Sprintf("127.1.0.%d:0", i+1))
		hosts[i] = c
		all.Go(func() {
			a := s.ask(t, "POST", CheckPath, `{"host":"self","port":`+portText(addr.Port())+`}`, "X-Forwarded-For", addr.Addr().String())
			if a.status != 200 || !a.Success {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
	from := make([]net.Addr, len(hosts))
	for i, c := range hosts { // until each check has sent something, and waits
		c.SetReadDeadline(time.Now().Add(30 * time.Second))
		var err error
		if _, from[i], err = c.ReadFrom(make([]byte, 2048)); err != nil {
			t.Fatal(err)
		}
	}
	used := memory() - before
	t.Logf("%d checks under way use %d KiB, the clients' side included", maxInFlight, used>>10)
	if used > 64<<20 {
		t.Errorf("%d bytes in use", used)
	}
	a := s.ask(t, "POST", CheckPath, `{"host":"self","port":2000}`, "X-Forwarded-For", "127.1.1.1")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("the one too many: %d %s", a.status, a.text)
	}
	for i, c := range hosts {
		c.WriteTo(kaillera.PingAnswer(), from[i])
	}
	all.Wait()
	if len(s.inFlight) != 0 {
		t.Errorf("%d checks left over", len(s.inFlight))
	}
}

// memory is what the program has in use.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// One address gets only so many connections, and others still come in.
func TestManyConnections(t *testing.T) {
	s := serve(t, ServerOptions{}, nil)
	to := strings.TrimPrefix(s.url, "http://")
	var open []net.Conn
	dial := func(from string) net.Conn {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
		conn, err := d.Dial("tcp4", to)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		return conn
	}
	served := func(conn net.Conn) bool {
		io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}
	for i := range maxConnsEach {
		if !served(dial("127.0.0.1")) {
			t.Fatalf("connection %d was not served", i)
		}
	}
	if served(dial("127.0.0.1")) {
		t.Error("one connection too many was served")
	}
	if !served(dial("127.0.0.5")) {
		t.Error("another address was shut out")
	}
	open[0].Close() // the server learns of it in its own time
	for deadline := time.Now().Add(10 * time.Second); !served(dial("127.0.0.1")); {
		if time.Now().After(deadline) {
			t.Fatal("who has left still counts")
		}
	}
	for _, conn := range open {
		conn.Close()
	}
}
