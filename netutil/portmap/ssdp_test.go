package portmap

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var noLog = slog.New(slog.DiscardHandler)

func TestParseSSDP(t *testing.T) {
	const where = "http://192.168.1.1:5000/rootDesc.xml"
	for name, c := range map[string]struct {
		text string
		want ssdpAnswer
		ok   bool
	}{
		"miniupnpd":              {ssdpOK(igdTarget, where), ssdpAnswer{where, true}, true},
		"version 2":              {ssdpOK("urn:schemas-upnp-org:device:InternetGatewayDevice:2", where), ssdpAnswer{where, true}, true},
		"some root device":       {ssdpOK("upnp:rootdevice", where), ssdpAnswer{where, false}, true},
		"DSL Forum":              {ssdpOK("urn:dslforum-org:device:InternetGatewayDevice:1", where), ssdpAnswer{where, false}, true},
		"gateway only in USN":    {"HTTP/1.1 200 OK\r\nLocation:" + where + "\r\nUSN: uuid:1::" + igdTarget + "\r\n\r\n", ssdpAnswer{where, true}, true},
		"bare newlines, lower":   {"HTTP/1.0 200\nlocation : " + where + "\n", ssdpAnswer{where, false}, true},
		"first location counts":  {"HTTP/1.1 200 OK\r\nLOCATION: a\r\nLOCATION: b\r\n\r\n", ssdpAnswer{"a", false}, true},
		"junk lines":             {"HTTP/1.1 200 OK\r\n\x00\xff\r\nnocolon\r\nLOCATION: a\r\n", ssdpAnswer{"a", false}, true},
		"no location":            {"HTTP/1.1 200 OK\r\nST: " + igdTarget + "\r\n\r\n", ssdpAnswer{"", true}, false},
		"location too long":      {ssdpOK(igdTarget, "http://"+strings.Repeat("a", maxURL)), ssdpAnswer{"http://" + strings.Repeat("a", maxURL), true}, false},
		"an announcement":        {"NOTIFY * HTTP/1.1\r\nLOCATION: " + where + "\r\n\r\n", ssdpAnswer{}, false},
		"a search":               {string(searchRequest(igdTarget)), ssdpAnswer{}, false},
		"not OK":                 {"HTTP/1.1 404 Not Found\r\nLOCATION: a\r\n\r\n", ssdpAnswer{}, false},
		"nothing":                {"", ssdpAnswer{}, false},
		"status line cut in two": {"HTTP/1.1", ssdpAnswer{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parseSSDP([]byte(c.text))
			if got != c.want || ok != c.ok {
				t.Errorf("got %+v %v, want %+v %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func FuzzParseSSDP(f *testing.F) {
	f.Add([]byte(ssdpOK(igdTarget, "http://192.168.1.1:5000/rootDesc.xml")))
	f.Add([]byte("HTTP/1.1 200 OK\nLOCATION:\n"))
	f.Add([]byte("HTTP/1.1"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		answer, ok := parseSSDP(datagram)
		if ok && (answer.location == "" || len(answer.location) > maxURL) {
			t.Errorf("location of %d letters", len(answer.location))
		}
		if u, _, err := gatewayURL(answer.location, loopback); err == nil {
			checkGatewayURL(t, u)
		}
	})
}

func TestSSDPReceivers(t *testing.T) {
	for name, c := range map[string]struct {
		gateway string
		port    uint16
		want    []string
	}{
		"a router": {"192.168.1.1", 0, []string{"239.255.255.250:1900", "192.168.1.1:1900"}},
		"loopback": {"127.0.0.1", 19000, []string{"127.0.0.1:19000"}},
	} {
		t.Run(name, func(t *testing.T) {
			q := newSSDPSearch(Search{Gateway: netip.MustParseAddr(c.gateway), Ports: Ports{SSDP: c.port}}, time.Second, slog.Default())
			var got []string
			for _, r := range q.receivers {
				got = append(got, r.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// listen runs a search against f until enough answers have counted.
func listen(t *testing.T, f *fakeSSDP, enough int, receivers ...netip.AddrPort) (heard []ssdpAnswer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	q := newSSDPSearch(Search{Gateway: loopback, Local: loopback, Ports: Ports{SSDP: f.port}}, time.Minute, noLog)
	q.receivers = append(receivers, q.receivers...)
	err := q.run(ctx, func(a ssdpAnswer) {
		if heard = append(heard, a); len(heard) == enough {
			cancel()
		}
	})
	if err != nil {
		t.Error(err)
	}
	return heard
}

func TestSSDPSearch(t *testing.T) {
	noLeaks(t)
	const right, wrong = "http://127.0.0.1:5000/a.xml", "http://127.0.0.1:5000/b.xml"
	again := slices.Repeat(ssdpTargets[:], 2) // after 250 ms all is sent once more
	f := newFakeSSDP(t, wrong, right)
	heard := listen(t, f, len(again), unreachable)
	var asked []string
	for range again {
		asked = append(asked, <-f.asked)
	}
	if !slices.Equal(asked, again) {
		t.Errorf("asked for %q, want %q", asked, again)
	}
	for i, a := range heard {
		if want := (ssdpAnswer{right, again[i] != "upnp:rootdevice"}); a != want {
			t.Errorf("answer %d: %v, want %v", i, a, want)
		}
	}
}

// unreachable cannot be sent to from a loopback address.
var unreachable = netip.MustParseAddrPort("192.0.2.1:1900")

func TestSSDPNothingSent(t *testing.T) {
	q := &ssdpSearch{
		gateway: loopback, local: loopback, window: 50 * time.Millisecond, log: noLog,
		receivers: []netip.AddrPort{unreachable},
	}
	if err := q.run(t.Context(), func(ssdpAnswer) {}); err == nil {
		t.Error("nothing could be sent, and no error")
	}
	q.local = netip.MustParseAddr("192.0.2.1") // not ours
	if err := q.run(t.Context(), func(ssdpAnswer) {}); err == nil {
		t.Error("a foreign local address, and no error")
	}
}
