package publicip

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseAnswer(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"plain", "198.51.100.7", "198.51.100.7"},
		{"white space", " \r\n\t198.51.100.7\r\n\n", "198.51.100.7"},
		{"IPv6", "2001:db8::7\n", ipv6Answer},
		{"IPv4 written as IPv6", "::ffff:198.51.100.7", ipv6Answer},
		{"the words of a real server", "Unable to retrieve IP", "words"},
		{"empty", "", "nothing"},
		{"blank", " \n ", "nothing"},
		{"web page", "<!DOCTYPE html><title>Log in to the hotel</title>", "a web page"},
		{"JSON", `{"ip":"198.51.100.7"}`, "JSON"},
		{"JSON list", `["198.51.100.7"]`, "JSON"},
		{"quoted", `"198.51.100.7"`, "words"},
		{"two addresses", "198.51.100.7, 10.0.0.1", "words"},
		{"two lines", "198.51.100.7\n198.51.100.8", "words"},
		{"with a port", "198.51.100.7:27886", "words"},
		{"three numbers", "198.51.100", "words"},
		{"one number", "3325256711", "words"},
		{"leading zero", "198.051.100.7", "words"},
		{"hexadecimal", "0xc6336407", "words"},
		{"256", "198.51.100.256", "words"},
		{"minus", "198.51.100.-7", "words"},
		{"other digits", "１９８.５１.１００.７", "words"},
		{"byte order mark", "\ufeff198.51.100.7", "words"},
		{"NUL", "198.51.100.7\x00", "words"},
		{"too long", "198.51.100.7" + strings.Repeat(" ", maxBody), "more than 256 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, err := parseAnswer("https://ip.example", []byte(tt.body))
			if err == nil {
				if addr.String() != tt.want {
					t.Errorf("got %v, want %s", addr, tt.want)
				}
				return
			}
			var bad *BadAnswer
			if !errors.As(err, &bad) || bad.What != tt.want || addr.IsValid() {
				t.Errorf("got %v, %v; want a BadAnswer with %q", addr, err, tt.want)
			}
			if errors.Is(err, ErrIPv6) != (tt.want == ipv6Answer) {
				t.Errorf("errors.Is(%v, ErrIPv6) = %v", err, errors.Is(err, ErrIPv6))
			}
		})
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"one line", "a\r\nb\tc", "a  b c"},
		{"terminal colours and bell", "\x1b[31mred\x07", "[31mred"},
		{"right-to-left override", "abc\u202edef", "abcdef"},
		{"not UTF-8", "caf\xe9!", "caf!"},
		{"letters of the world stay", "café 日本", "café 日本"},
		{"60 characters, not bytes", strings.Repeat("é", 100), strings.Repeat("é", 60)},
	}
	for _, tt := range tests {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("%s: clean(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte("198.51.100.7\n"))
	f.Add([]byte("Unable to retrieve IP"))
	f.Add([]byte("\x1b]0;x\x07<html>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		addr, err := parseAnswer("u", body)
		if (err == nil) != addr.Is4() {
			t.Fatalf("address %v with error %v", addr, err)
		}
		var bad *BadAnswer
		if errors.As(err, &bad) && (utf8.RuneCountInString(bad.Quote) > maxQuote || !utf8.ValidString(bad.Quote)) {
			t.Fatalf("quote %q", bad.Quote)
		}
	})
}

func TestHTTP(t *testing.T) {
	requests := make(chan *http.Request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		io.WriteString(w, "198.51.100.7\n")
	}))
	defer srv.Close()
	if oneShotClient(loopback).Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy is used: the answer would be the proxy's address")
	}
	local := netip.MustParseAddr("127.0.0.2")
	if !canBind(local) { // not every system has all of 127/8
		local = loopback
	}
	addr, err := HTTP(t.Context(), local, "Portsitter/1.2.3", srv.URL)
	if err != nil || addr != netip.MustParseAddr("198.51.100.7") {
		t.Fatalf("got %v, %v", addr, err)
	}
	r := <-requests
	if ua := r.Header.Values("User-Agent"); len(ua) != 1 || ua[0] != "Portsitter/1.2.3" {
		t.Errorf("User-Agent %q", ua)
	}
	if from := netip.MustParseAddrPort(r.RemoteAddr).Addr(); from != local {
		t.Errorf("asked from %v, want %v", from, local)
	}
	if r.Header.Get("Accept-Encoding") != "" || !r.Close {
		t.Errorf("compression %q or a kept connection (close %v)", r.Header.Get("Accept-Encoding"), r.Close)
	}
}

func canBind(a netip.Addr) bool {
	l, err := net.Listen("tcp4", netip.AddrPortFrom(a, 0).String())
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func TestHTTPIsNotMoved(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer srv.Close()
	_, err := HTTP(t.Context(), loopback, "test", srv.URL)
	if err == nil || !strings.Contains(err.Error(), "302") || !strings.Contains(err.Error(), other.URL) {
		t.Errorf("error %v, want one that names 302 and %s", err, other.URL)
	}
}

func TestHTTPErrors(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "198.51.100.7")
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeader))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	tests := []struct{ name, url, want string }{
		{"body without end", srv.URL + "/endless", "more than 256 bytes"},
		{"address with a bad status", srv.URL + "/status", "503"},
		{"header without end", srv.URL + "/headers", "header"},
		{"file", "file:///etc/hostname", "https://"},
		{"no scheme", "ip.example/get", "https://"},
		{"no host", "https://", "https://"},
		{"not a URL", "http://[", "get-ip address"},
		{"IPv6 only", "http://[::1]:80/", "no suitable address"}, // Go's words for an address of the other family
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, err := HTTP(t.Context(), netip.Addr{}, "test", tt.url)
			if err == nil || addr.IsValid() || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want an error with %q", addr, err, tt.want)
			}
		})
	}
}

func TestHTTPEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	if _, err := HTTP(ctx, loopback, "test", srv.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
