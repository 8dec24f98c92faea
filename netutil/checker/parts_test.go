package checker

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCallerOf(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, tt := range []struct {
		name, peer string
		forwarded  []string
		want       string // "" = not known
	}{
		{"direct", "9.9.9.9:1234", nil, "9.9.9.9"},
		{"direct, forged", "9.9.9.9:1234", []string{"8.8.8.8"}, "9.9.9.9"},
		{"direct over IPv6", "[2606:4700::1]:1234", nil, "2606:4700::1"},
		{"IPv4 written as IPv6", "[::ffff:9.9.9.9]:1", nil, "9.9.9.9"},
		{"one proxy", "10.0.0.1:1", []string{"9.9.9.9"}, "9.9.9.9"},
		{"one proxy, forged on the left", "10.0.0.1:1", []string{"8.8.8.8, 9.9.9.9"}, "9.9.9.9"},
		{"forged line before the proxy's", "10.0.0.1:1", []string{"8.8.8.8", "9.9.9.9"}, "9.9.9.9"},
		{"two proxies", "10.0.0.1:1", []string{"8.8.8.8, 9.9.9.9,10.1.2.3"}, "9.9.9.9"},
		{"forged trusted hop on the left", "10.0.0.1:1", []string{"10.6.6.6, 9.9.9.9"}, "9.9.9.9"},
		{"proxy over IPv6", "[2001:db8::1]:1", []string{"9.9.9.9"}, "9.9.9.9"},
		{"hop with a port", "10.0.0.1:1", []string{"9.9.9.9:4711"}, "9.9.9.9"},
		{"the proxy itself", "10.0.0.1:1", nil, "10.0.0.1"},
		{"all trusted", "10.0.0.1:1", []string{"10.0.0.9, 10.0.0.8"}, "10.0.0.9"},
		{"nonsense", "10.0.0.1:1", []string{"9.9.9.9, unknown"}, ""},
		{"empty hop", "10.0.0.1:1", []string{"9.9.9.9,"}, ""},
		{"no peer", "pipe", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			got := NewServer(ServerOptions{TrustedProxies: proxies}).callerOf(r)
			if got.IsValid() != (tt.want != "") || got.IsValid() && got.String() != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// A check leaves from the address that the caller came to, but not from a proxy's side of the machine.
func TestLocalFor(t *testing.T) {
	caller := nth(1)
	for _, tt := range []struct {
		peer, local string
		want        string // "" = the system chooses
	}{
		{"9.0.0.1:5", "192.0.2.1:80", "192.0.2.1"},
		{"[::ffff:9.0.0.1]:5", "[::ffff:192.0.2.1]:80", "192.0.2.1"},
		{"127.0.0.1:5", "127.0.0.1:80", ""},
		{"9.0.0.1:5", "", ""},
	} {
		r := httptest.NewRequest("POST", CheckPath, nil)
		r.RemoteAddr = tt.peer
		if tt.local != "" {
			local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.local))
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		}
		if got := localFor(r, caller); got.IsValid() != (tt.want != "") || got.IsValid() && got.String() != tt.want {
			t.Errorf("peer %s, local %s: %v, want %s", tt.peer, tt.local, got, tt.want)
		}
	}
}

func nth(i int) netip.Addr { return netip.AddrFrom4([4]byte{9, byte(i >> 16), byte(i >> 8), byte(i)}) }

func TestLimits(t *testing.T) {
	now := newClock()
	l := newLimits(60, now.now) // one a second, ten at once
	for i := range eachBurst {
		if _, ok := l.allow(nth(0)); !ok {
			t.Fatalf("check %d of an address was refused", i)
		}
	}
	if wait, ok := l.allow(nth(0)); ok || wait != eachEvery {
		t.Errorf("one too many: %v, %v", wait, ok)
	}
	for i := 1; i <= 10-eachBurst; i++ {
		if _, ok := l.allow(nth(i)); !ok {
			t.Fatalf("address %d was refused: the first one used up what was not its own", i)
		}
	}
	if wait, ok := l.allow(nth(100)); ok || wait != time.Second {
		t.Errorf("all together: %v, %v", wait, ok)
	}
	now.pass(time.Second)
	for i := range eachBurst { // what was refused for the sake of all was not counted for the address
		if _, ok := l.allow(nth(100)); !ok {
			t.Errorf("check %d of an address that was refused before is refused again", i)
		}
		now.pass(time.Second)
	}
}

func TestLimitsStayBounded(t *testing.T) {
	l := newLimits(1e9, newClock().now)
	granted := 0
	for i := range 3 * maxAddresses {
		l.allow(nth(i + 1))
		if _, ok := l.allow(nth(0)); ok { // asks all the time, and so is never forgotten
			granted++
		}
	}
	if l.addresses() != maxAddresses || len(l.each) != maxAddresses {
		t.Errorf("%d addresses, %d in the table", l.addresses(), len(l.each))
	}
	if granted != eachBurst {
		t.Errorf("the address that asks all the time got %d checks, want %d", granted, eachBurst)
	}
}

func TestGate(t *testing.T) {
	proxy := nth(0)
	g := &gate{each: map[netip.Addr]int{}, trusts: func(a netip.Addr) bool { return a == proxy }}
	for i := range maxConnsEach {
		if !g.enter(nth(1)) {
			t.Fatalf("connection %d of an address was turned away", i)
		}
	}
	if g.enter(nth(1)) {
		t.Error("an address has too many connections")
	}
	for i := maxConnsEach; i < maxConns; i++ {
		if !g.enter(proxy) {
			t.Fatalf("connection %d was turned away", i)
		}
	}
	if g.enter(proxy) || g.enter(nth(2)) {
		t.Error("there are too many connections")
	}
	g.leave(nth(1))
	if !g.enter(nth(1)) {
		t.Error("nobody may come in when somebody has left")
	}
	for range maxConnsEach {
		g.leave(nth(1))
	}
	for i := maxConnsEach; i < maxConns; i++ {
		g.leave(proxy)
	}
	if g.total != 0 || len(g.each) != 0 {
		t.Errorf("all have left: %d, %v", g.total, g.each)
	}
}

func TestIsPublic(t *testing.T) {
	for s, want := range map[string]bool{
		"9.9.9.9": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.0.1": true, "172.32.0.1": true, "198.17.0.1": true, "223.255.255.255": true,
		"0.1.2.3": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.1.1": false, "172.16.0.1": false, "192.0.0.8": false,
		"192.0.2.7": false, "192.88.99.1": false, "192.168.1.1": false, "198.19.0.1": false, "198.51.100.7": false, "203.0.113.7": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false, "::1": false, "2606:4700::1": false, "::ffff:9.9.9.9": false,
	} {
		if isPublic(netip.MustParseAddr(s)) != want {
			t.Errorf("isPublic(%s) = %v", s, !want)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func FuzzDecodeQuestion(f *testing.F) {
	f.Add([]byte(`{"host":"self","port":"27886","via":"x"}`))
	f.Add([]byte(`{"host":"198.51.100.7","port":27886,"game":"any"}`))
	f.Add([]byte(`{"host":"self","via":"é\u202e\u0007 ` + strings.Repeat("x", 100) + `"}`))
	f.Add([]byte(`{"host":"::ffff:1.2.3.4%eth0"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := decodeQuestion(body)
		if err != nil {
			if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		for _, c := range []byte(q.via) {
			if c < ' ' || c > '~' {
				t.Errorf("via %q", q.via)
			}
		}
		if len(q.via) > maxVia || q.host.Is4In6() {
			t.Errorf("%+v", q)
		}
	})
}
