package checker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

const good = `{"message":"OK","meta":"{}","success":true}`

// What goes over the wire: the connection that Prepare made carries the question, which names our
// address, the port and nothing that the user did not write.
func TestCheckOnTheWire(t *testing.T) {
	r := newRemote(t, " 127.0.0.1\n", answering(200, good)).start()
	call, err := lab().Prepare(t.Context(), r.check(), loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	if call.Host() != loopback {
		t.Errorf("Host = %v", call.Host())
	}
	answer, err := call.Check(t.Context(), 27886, "Ana\x1b[31m é "+strings.Repeat("x", 100))
	want := Answer{Reachable: true, Address: netip.AddrPortFrom(loopback, 27886), Message: "OK", Status: 200, Checker: r.check()}
	if err != nil || answer != want {
		t.Errorf("got %+v, %v\nwant %+v", answer, err, want)
	}
	got, conns := r.seen()
	if conns != 1 {
		t.Errorf("%d connections, want 1 that is kept", conns)
	}
	via := "Ana[31m  " + strings.Repeat("x", 51)
	if !reflect.DeepEqual(got, []asked{
		{"GET", "/kaillera/get-ip", "Portsitter/test", "", ""},
		{"POST", "/kaillera/p2p-check", "Portsitter/test", "application/json", `{"host":"127.0.0.1","port":27886,"via":"` + via + `"}`},
	}) {
		t.Errorf("asked %q", got)
	}
}

func TestCheckAnswers(t *testing.T) {
	for _, tt := range answerTable {
		t.Run(tt.name, func(t *testing.T) {
			body := strings.ReplaceAll(tt.body, "198.51.100.7", "127.0.0.1")
			r := newRemote(t, "127.0.0.1", answering(tt.status, body)).start()
			got, err := lab(r.check()).Ask(t.Context(), loopback, 27886, "", nil)
			if tt.reason == "" {
				want := tt.want
				want.Address, want.Status, want.Checker = netip.AddrPortFrom(loopback, 27886), 200, r.check()
				if err != nil || got != want {
					t.Errorf("got %+v, %v\nwant %+v", got, err, want)
				}
				return
			}
			var f *Failure
			if !errors.Is(err, ErrCheckerFailed) || !errors.As(err, &f) || f.Reason != tt.reason || f.URL != r.check() {
				t.Fatalf("got %+v, %v; want a failure %s", got, err, tt.reason)
			}
			if !strings.Contains(err.Error(), tt.detail) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("error %q, want %q in it", err, tt.detail)
			}
		})
	}
}

func TestPrepareWantsAPublicAddress(t *testing.T) {
	for ip, ok := range map[string]bool{
		"127.0.0.1": false, "10.0.0.1": false, "100.64.0.1": false, "169.254.1.1": false, "0.0.0.0": false, "255.255.255.255": false,
		"192.0.2.1": false, "198.18.0.1": false, "2606:4700::1111": false, "::ffff:9.9.9.9": false, "": false,
		"Unable to retrieve IP": false, "9.9.9.9, 8.8.8.8": false, "<html>": false, "9.9.9.9:53": false,
		"9.9.9.9": true, "9.9.9.9\r\n": true, "100.128.0.1": true,
	} {
		r := newRemote(t, ip, answering(200, good)).start()
		c := lab()
		c.AllowPrivate = false
		call, err := c.Prepare(t.Context(), r.check(), loopback)
		if ok {
			if err != nil || call.Host().String() != strings.TrimSpace(ip) {
				t.Errorf("%q: %v", ip, err)
				continue
			}
			call.Close()
			continue
		}
		var f *Failure
		if !errors.As(err, &f) || f.Reason != NoAddress || f.URL != r.URL+GetIPPath {
			t.Errorf("%q: %v, want a failure %s", ip, err, NoAddress)
		}
	}
}

// Nor does a lab take what no port mapping can lead to.
func TestPrepareWantsIPv4(t *testing.T) {
	r := newRemote(t, "::1", answering(200, good)).start()
	_, err := lab().Prepare(t.Context(), r.check(), loopback)
	var f *Failure
	if !errors.As(err, &f) || f.Reason != NoAddress {
		t.Errorf("got %v", err)
	}
}

// A checker is asked over IPv4, because it is to see the address that is checked.
func TestPrepareConnectsOverIPv4(t *testing.T) {
	_, err := lab().Prepare(t.Context(), "http://[::1]:9"+CheckPath, netip.Addr{})
	var unsuitable *net.AddrError
	if !errors.As(err, &unsuitable) {
		t.Errorf("got %v", err)
	}
}

// An address that may have changed is not checked: it may be somebody else's by now.
func TestCheckOnlyFreshAddresses(t *testing.T) {
	for _, tt := range []struct {
		pass  time.Duration
		fresh bool
	}{{0, true}, {addressAge, true}, {addressAge + 1, false}, {-time.Second, false}} {
		r := newRemote(t, "127.0.0.1", answering(200, good)).start()
		now := newClock()
		c := lab()
		c.Now = now.now
		call, err := c.Prepare(t.Context(), r.check(), loopback)
		if err != nil {
			t.Fatal(err)
		}
		now.pass(tt.pass)
		_, err = call.Check(t.Context(), 27886, "")
		var f *Failure
		if tt.fresh != (err == nil) || !tt.fresh && (!errors.As(err, &f) || f.Reason != Stale || len(r.checked) != 0) {
			t.Errorf("after %v: %v, %d checks", tt.pass, err, len(r.checked))
		}
		call.Close()
	}
}

// A checker that hangs up after get-ip finds a second connection standing when the check comes.
func TestPrepareConnectsAgain(t *testing.T) {
	r := newRemote(t, "127.0.0.1", answering(200, good))
	r.hangUp = true
	r.start()
	call, err := lab().Prepare(t.Context(), r.check(), loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	if len(call.line.spare) != 1 {
		t.Fatal("no connection stands")
	}
	if _, err := call.Check(t.Context(), 27886, ""); err != nil {
		t.Error(err)
	}
	if _, conns := r.seen(); conns != 2 {
		t.Errorf("%d connections, want 2", conns)
	}
}

func TestTLS(t *testing.T) {
	r := newRemote(t, "127.0.0.1", answering(200, good)).startTLS()
	_, err := lab(r.check()).Ask(t.Context(), loopback, 27886, "", nil)
	var f *Failure
	var unknown *tls.CertificateVerificationError
	if !errors.As(err, &f) || f.Reason != NotReached || !errors.As(err, &unknown) {
		t.Errorf("a certificate nobody vouches for: %v", err)
	}
	c := lab(r.check())
	c.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	c.TLS.RootCAs.AddCert(r.Certificate())
	if answer, err := c.Ask(t.Context(), loopback, 27886, "", nil); err != nil || !answer.Reachable {
		t.Errorf("got %+v, %v", answer, err)
	}
	if got, _ := r.seen(); len(got) != 2 {
		t.Errorf("asked %q", got)
	}
}

// A redirect is not followed: the check would come from somebody we did not choose.
func TestNoRedirect(t *testing.T) {
	other := newRemote(t, "127.0.0.1", answering(200, good)).start()
	r := newRemote(t, "127.0.0.1", func(w http.ResponseWriter) {
		w.Header().Set("Location", other.check())
		w.WriteHeader(http.StatusTemporaryRedirect)
	}).start()
	_, err := lab(r.check()).Ask(t.Context(), loopback, 27886, "", nil)
	var f *Failure
	if !errors.As(err, &f) || f.Reason != Refused || !strings.Contains(err.Error(), other.check()) {
		t.Errorf("got %v", err)
	}
	if got, _ := other.seen(); len(got) != 0 {
		t.Errorf("the other one was asked %q", got)
	}
}

// A POST is sent once, however it ends.
func TestCheckIsSentOnce(t *testing.T) {
	r := newRemote(t, "127.0.0.1", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }).start()
	_, err := lab(r.check()).Ask(t.Context(), loopback, 27886, "", nil)
	var f *Failure
	if !errors.As(err, &f) || f.Reason != NotReached {
		t.Errorf("got %v", err)
	}
	if n := len(r.checked); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestCheckEnds(t *testing.T) {
	r := newRemote(t, "127.0.0.1", nil)
	r.stall = make(chan struct{})
	r.start()
	defer close(r.stall)
	for _, tt := range []struct {
		end    func(context.Context) (context.Context, context.CancelFunc)
		reason Reason
	}{
		{func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}, TimedOut},
		{func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			go func() { <-r.checked; cancel() }()
			return ctx, cancel
		}, Interrupted},
	} {
		call, err := lab().Prepare(t.Context(), r.check(), loopback)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := tt.end(t.Context())
		_, err = call.Check(ctx, 27886, "")
		var f *Failure
		if !errors.As(err, &f) || f.Reason != tt.reason || !errors.Is(err, ctx.Err()) {
			t.Errorf("got %v, want a failure %s", err, tt.reason)
		}
		cancel()
		call.Close()
		for len(r.checked) > 0 {
			<-r.checked
		}
	}
}

func TestNotReached(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, tt := range []struct {
		url    string
		reason Reason
	}{
		{"http://" + l.Addr().String() + CheckPath, NotReached},
		{"ftp://127.0.0.1/p2p-check", BadURL},
		{"127.0.0.1/p2p-check", BadURL},
		{"https:///p2p-check", BadURL},
		{"https://a b/", BadURL},
		{"", BadURL},
	} {
		_, err := lab(tt.url).Ask(t.Context(), loopback, 27886, "", nil)
		var f *Failure
		if !errors.As(err, &f) || f.Reason != tt.reason || !errors.Is(err, ErrCheckerFailed) {
			t.Errorf("%s: %v, want a failure %s", tt.url, err, tt.reason)
		}
	}
}

func TestGameIsTold(t *testing.T) {
	r := newRemote(t, "127.0.0.1", answering(200, good)).start()
	c := lab(r.check())
	c.Game = "any"
	if _, err := c.Ask(t.Context(), loopback, 4000, "", nil); err != nil {
		t.Fatal(err)
	}
	got, _ := r.seen()
	var body map[string]any
	if json.Unmarshal([]byte(got[1].body), &body) != nil || body["game"] != "any" || body["via"] != nil {
		t.Errorf("asked %s", got[1].body)
	}
}
