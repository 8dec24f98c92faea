package checker

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/kaillera"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// served is one of our servers, on a socket of 127.0.0.1.
type served struct {
	*Server
	url  string
	http *http.Client
}

// serve starts a server for the test; change may alter it first.
func serve(t *testing.T, o ServerOptions, change func(*Server)) *served {
	t.Helper()
	if o.Budget == 0 {
		o.Budget = 120 * time.Millisecond
	}
	s := NewServer(o)
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	transport := &http.Transport{MaxIdleConnsPerHost: maxInFlight}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &served{s, "http://" + l.Addr().String(), &http.Client{Transport: transport}}
}

// answered is what the server said.
type answered struct {
	status int
	header http.Header
	text   string
	reply
	meta map[string]any
}

// ask sends a request; header is name, value, name, value...
func (s *served) ask(t *testing.T, method, path, body string, header ...string) answered {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answered{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if resp.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(text, &a.reply); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(a.Meta), &a.meta); err != nil {
			t.Errorf("meta %s: %v", a.Meta, err)
		}
	}
	return a
}

// socket is a UDP socket that counts what it gets.
func socket(t *testing.T, address string) (net.PacketConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, netip.MustParseAddrPort(c.LocalAddr().String())
}

// got counts the datagrams that have arrived: on loopback they are there when sending returns.
func got(t *testing.T, c net.PacketConn) (n int) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	for {
		if _, _, err := c.ReadFrom(make([]byte, 2048)); err != nil {
			return n
		}
		n++
	}
}

// standIn plays a host on 127.0.0.1 and returns its port.
func standIn(t *testing.T) (uint16, <-chan kaillera.Report) {
	t.Helper()
	s, err := kaillera.ListenStandIn(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	reports := make(chan kaillera.Report, 1)
	go func() {
		report, err := s.Serve(t.Context())
		if err != nil {
			t.Error(err)
		}
		reports <- report
	}()
	return s.Addr().Port(), reports
}

func TestClientAsksServer(t *testing.T) {
	hosting, _ := standIn(t)
	silent, silentAddr := socket(t, "127.0.0.1:0")
	closed, closedAddr := socket(t, "127.0.0.1:0")
	closed.Close()
	tests := []struct {
		name, game string
		port       uint16
		reachable  bool
		message    string
	}{
		{"a host", "", hosting, true, "OK"},
		{"another game's stand-in", "any", hosting, true, "OK"},
		{"nobody answers", "", silentAddr.Port(), false, "Unable to connect: no answer"},
		{"a closed port", "", closedAddr.Port(), false, "Unable to connect: the port is closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, ServerOptions{AllowPrivate: true, Budget: 480 * time.Millisecond}, nil)
			c := lab(s.url + CheckPath)
			c.Game = tt.game
			got, err := c.Ask(t.Context(), loopback, tt.port, "Ana", nil)
			want := Answer{Reachable: tt.reachable, Address: netip.AddrPortFrom(loopback, tt.port), Message: tt.message, Status: 200, Checker: c.URLs[0]}
			if err != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
	if got(t, silent) == 0 {
		t.Error("the silent port was not asked at all")
	}
}

// A host that is asked to let us in tells its names; we tell it who wanted to know.
func TestNamesAndVia(t *testing.T) {
	host, addr := socket(t, "127.0.0.1:0")
	apps, asker := make(chan string, 1), make(chan string, 1)
	go func() { // G1: silent on PINGRQ
		b := make([]byte, 2048)
		for {
			n, from, err := host.ReadFrom(b)
			if err != nil {
				return
			}
			d, err := kaillera.Decode(b[:n])
			if err != nil {
				continue
			}
			_, app, _ := d.Instructions[len(d.Instructions)-1].Names()
			select {
			case apps <- string(app):
				asker <- from.String()
			default:
			}
			accept, _ := kaillera.Datagram{Instructions: []kaillera.Instruction{kaillera.Accept("<b>Ana\x1b", "SMASH")}}.Append(nil)
			host.WriteTo(accept, from)
		}
	}()
	s := serve(t, ServerOptions{AllowPrivate: true, Budget: 2 * time.Second}, nil)
	got, err := lab(s.url+CheckPath).Ask(t.Context(), loopback, addr.Port(), "Bob", nil)
	if err != nil || !got.Reachable || got.User != "<b>Ana" || got.Game != "SMASH" {
		t.Errorf("got %+v, %v", got, err)
	}
	if app := <-apps; app != "port test for Bob" {
		t.Errorf("the host was told %q", app)
	}
	if c, err := net.ListenPacket("udp4", <-asker); err != nil {
		t.Errorf("the socket of the check is left open: %v", err)
	} else {
		c.Close()
	}
}

// Smash64's page, from another origin: JSON text without a content type of its own, the port as
// text, get-ip compared as a whole, and the JSON in meta.
func TestSmash64Page(t *testing.T) {
	port, _ := standIn(t)
	s := serve(t, ServerOptions{AllowPrivate: true, Budget: time.Second}, nil)
	origin := []string{"Origin", "https://smash64.online", "Content-Type", "text/plain;charset=UTF-8"}
	if a := s.ask(t, "GET", GetIPPath, "", origin...); a.text != "127.0.0.1" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("get-ip: %q %v", a.text, a.header)
	}
	for _, host := range []string{"127.0.0.1", "self"} {
		a := s.ask(t, "POST", CheckPath, `{"host":"`+host+`","port":"`+portText(port)+`","via":"https://smash64.online/p2p-check/"}`, origin...)
		if a.status != 200 || !a.Success || a.meta["host"] != "127.0.0.1" || a.meta["port"] != float64(port) || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%+v", a)
		}
	}
	a := s.ask(t, "OPTIONS", CheckPath, "", "Origin", "https://smash64.online", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Headers") != "Content-Type" || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight: %+v", a)
	}
}

func portText(p uint16) string { b, _ := json.Marshal(p); return string(b) }

func TestOtherPages(t *testing.T) {
	s := serve(t, ServerOptions{}, nil)
	for _, tt := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"GET", "/", 200, "Portsitter checker"},
		{"GET", "/healthz", 200, "ok"},
		{"GET", "/metrics", 200, "portsitter_checker_in_flight 0"},
		{"GET", "/nosuch", 404, ""},
		{"GET", CheckPath, 405, ""},
		{"POST", GetIPPath, 405, ""},
		{"POST", "/", 405, ""},
		{"HEAD", "/", 200, ""},
		{"GET", "/kaillera/../../etc/passwd", 404, ""},
	} {
		a := s.ask(t, tt.method, tt.path, "")
		if a.status != tt.status || !strings.Contains(a.text, tt.text) || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: %d %q %v", tt.method, tt.path, a.status, a.text, a.header)
		}
	}
}

func TestMetrics(t *testing.T) {
	_, addr := socket(t, "127.0.0.1:0")
	s := serve(t, ServerOptions{AllowPrivate: true}, nil)
	s.ask(t, "GET", GetIPPath, "")
	for range eachBurst + 1 {
		s.ask(t, "POST", CheckPath, `{"host":"self","port":`+portText(addr.Port())+`}`)
	}
	s.ask(t, "POST", CheckPath, `{`)
	a := s.ask(t, "GET", "/metrics", "")
	for _, line := range []string{
		`portsitter_checker_checks_total{result="reachable"} 0`,
		`portsitter_checker_checks_total{result="unreachable"} 6`,
		`portsitter_checker_refused_total{reason="rate"} 1`,
		`portsitter_checker_refused_total{reason="request"} 1`,
		`portsitter_checker_get_ip_total 1`,
		`portsitter_checker_addresses 1`,
	} {
		if !strings.Contains(a.text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, a.text)
		}
	}
	problems, err := promlint.New(strings.NewReader(a.text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// The handler alone has no connection to learn its own address from.
func TestHandlerAlone(t *testing.T) {
	r := httptest.NewRequest("POST", CheckPath, strings.NewReader(`{"host":"self","port":2000}`))
	r.RemoteAddr = "no address"
	w := httptest.NewRecorder()
	NewServer(ServerOptions{AllowPrivate: true}).ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), errNoCaller.Error()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
