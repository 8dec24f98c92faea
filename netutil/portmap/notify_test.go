package portmap

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const (
	igdUDN   = "uuid:2fc74fd5-47c0-4ce3-aa31-9201a45776b7"
	igdRoot  = "http://127.0.0.1:5000/rootDesc.xml"
	ipTarget = "urn:schemas-upnp-org:service:WANIPConnection:2"
)

// notifyText is an announcement in the words of miniupnpd.
func notifyText(nts, nt string, more ...string) string {
	return "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=120\r\n" +
		"SERVER: Debian/12 UPnP/1.1 MiniUPnPd/2.3.1\r\nNT: " + nt + "\r\nUSN: " + igdUDN + "::" + nt + "\r\nNTS: " + nts + "\r\n" +
		"OPT: \"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n" + strings.Join(append(more, "", ""), "\r\n")
}

// alive is the same as the router says it when it has that boot id.
func alive(bootID string) []byte {
	return []byte(notifyText("ssdp:alive", igdTarget, "LOCATION: "+igdRoot, "BOOTID.UPNP.ORG: "+bootID))
}

func TestParseNotify(t *testing.T) {
	const at = "LOCATION: " + igdRoot
	plain := Announcement{Protocol: UPnP, UDN: igdUDN, Location: igdRoot}
	booted := plain
	booted.BootID, booted.HasBootID = 7, true
	bye := Announcement{Protocol: UPnP, UDN: igdUDN, ByeBye: true}
	for _, c := range []struct {
		name, text string
		want       Announcement // zero = none
	}{
		{"alive", string(alive("7")), booted},
		{"without a boot id", notifyText("ssdp:alive", igdTarget, at), plain},
		{"version 2", notifyText("ssdp:alive", "urn:schemas-upnp-org:device:InternetGatewayDevice:2", at), plain},
		{"DSL Forum", notifyText("ssdp:alive", "urn:dslforum-org:device:InternetGatewayDevice:1", at), plain},
		{"IP connection", notifyText("ssdp:alive", ipTarget, at), plain},
		{"PPP connection", notifyText("ssdp:alive", "urn:schemas-upnp-org:service:WANPPPConnection:1", at), plain},
		{"root device with such", "NOTIFY * HTTP/1.1\r\nNTS:ssdp:alive\r\nNT:upnp:rootdevice\r\nUSN:" + igdUDN + "::" + igdTarget + "\r\n" + at, plain},
		{"goodbye", notifyText("ssdp:byebye", igdTarget), bye},
		{"goodbye with a location", notifyText("ssdp:byebye", igdTarget, at), bye},
		{"update", notifyText("ssdp:update", igdTarget, at, "BOOTID.UPNP.ORG: 6", "NEXTBOOTID.UPNP.ORG: 7"), booted},
		{"update of few words", notifyText("ssdp:update", igdTarget, at, "BOOTID.UPNP.ORG: 7"), booted},
		{"next boot id, but no update", notifyText("ssdp:alive", igdTarget, at, "BOOTID.UPNP.ORG: 7", "NEXTBOOTID.UPNP.ORG: 8"), booted},
		{"first header counts", notifyText("ssdp:alive", igdTarget, at, "LOCATION: http://127.0.0.1:1/", "NTS: ssdp:byebye"), plain},
		{"bare newlines, small letters", "NOTIFY * HTTP/1.0\nnts : SSDP:ALIVE\nnt: " + strings.ToLower(igdTarget) + "\nusn: " + igdUDN + "\nlocation:" + igdRoot + "\n", plain},
		{"another host is led back", notifyText("ssdp:alive", igdTarget, "LOCATION: http://10.0.0.9:5000/rootDesc.xml"), plain},
		{"boot id too large", notifyText("ssdp:alive", igdTarget, at, "BOOTID.UPNP.ORG: 4294967296"), plain},
		{"boot id below zero", notifyText("ssdp:alive", igdTarget, at, "BOOTID.UPNP.ORG: -1"), plain},
		{"root device of we know not what", notifyText("ssdp:alive", "upnp:rootdevice", at), Announcement{}},
		{"media server", notifyText("ssdp:alive", "urn:schemas-upnp-org:device:MediaServer:1", at), Announcement{}},
		{"no location", notifyText("ssdp:alive", igdTarget), Announcement{}},
		{"location of no use", notifyText("ssdp:alive", igdTarget, "LOCATION: https://router.lan/"), Announcement{}},
		{"location too long", notifyText("ssdp:alive", igdTarget, at+strings.Repeat("a", maxURL)), Announcement{}},
		{"no NTS", notifyText("", igdTarget, at), Announcement{}},
		{"another NTS", notifyText("upnp:propchange", igdTarget, at), Announcement{}},
		{"no USN", "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: " + igdTarget + "\r\n" + at, Announcement{}},
		{"USN too long", "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nUSN: " + strings.Repeat("u", maxUDN+1) + "::" + igdTarget + "\r\n" + at, Announcement{}},
		{"a search", string(searchRequest(igdTarget)), Announcement{}},
		{"an answer", ssdpOK(igdTarget, igdRoot), Announcement{}},
		{"not for all", strings.Replace(string(alive("7")), "*", "/", 1), Announcement{}},
		{"request line cut", "NOTIFY", Announcement{}},
		{"nothing", "", Announcement{}},
	} {
		got, ok := parseNotify([]byte(c.text), localhost)
		if got != c.want || ok != (c.want != Announcement{}) {
			t.Errorf("%s: got %+v %v, want %+v", c.name, got, ok, c.want)
		}
	}
}

func FuzzNotify(f *testing.F) {
	f.Add(alive("7"))
	f.Add([]byte(notifyText("ssdp:byebye", igdTarget)))
	f.Add([]byte(notifyText("ssdp:update", ipTarget, "LOCATION: http://[::1]:80/", "NEXTBOOTID.UPNP.ORG: 1")))
	f.Add([]byte("NOTIFY * HTTP/1.1\nUSN:::\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := parseNotify(b, localhost)
		switch {
		case !ok && a != Announcement{}:
			t.Fatalf("refused, yet %+v", a)
		case !ok:
			return
		case a.Protocol != UPnP || len(a.UDN) > maxUDN*4 || a.Outer != Outer{} || a.ByeBye != (a.Location == ""):
			t.Fatalf("%q: believed as %+v", b, a)
		}
		if !a.ByeBye && !strings.HasPrefix(a.Location, "http://127.0.0.1:") {
			t.Fatalf("%q: leads to %q", b, a.Location)
		}
		var w NotifyWatch
		for range 2 {
			if w.Restarted(a) {
				t.Fatalf("%+v, said twice, was taken for a restart", a)
			}
		}
	})
}

func notifyListener(t *testing.T, gateway netip.Addr) *Listener {
	return &Listener{Gateway: gateway, Interface: loopbackInterface(t), Ports: Ports{Announce: freePort(t), SSDPNotify: freePort(t)}, Log: noLog}
}

func notifier(t *testing.T, from netip.Addr, l *Listener) func([]byte) {
	return groupSender(t, from, netip.AddrPortFrom(ssdpGroup, l.Ports.SSDPNotify))
}

func TestNotifyHearsOnlyTheGateway(t *testing.T) {
	noLeaks(t)
	gateway := netip.MustParseAddr("127.0.0.2")
	l := notifyListener(t, gateway)
	heard, stop := startEar(t, l, l.notifyEar())
	second, stopSecond := startEar(t, l, l.notifyEar()) // the port is shared
	forge, say := notifier(t, localhost, l), notifier(t, gateway, l)
	for range 5 {
		forge(alive("99"))
	}
	say([]byte("rubbish"))
	say(nil)
	say(append(alive("98"), make([]byte, maxSSDP)...))
	say(alive("7"))
	want := Announcement{From: gateway, Protocol: UPnP, UDN: igdUDN, Location: "http://127.0.0.2:5000/rootDesc.xml", BootID: 7, HasBootID: true}
	for _, c := range []<-chan Announcement{heard, second} {
		if got := <-c; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	stop()
	stopSecond()
	if n := l.Dropped(); n != 2*8 {
		t.Errorf("dropped %d datagrams, want 16", n)
	}
}

// A flood costs no more than the measure, whoever it is from.
func TestNotifyFlood(t *testing.T) {
	l := notifyListener(t, localhost)
	heard, stop := startEar(t, l, l.notifyEar())
	forge, say := notifier(t, netip.MustParseAddr("127.0.0.2"), l), notifier(t, localhost, l)
	began := time.Now()
	for range announcePerSecond {
		forge(alive("7"))
	}
	say(alive("7"))
	<-heard
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("looked at %d announcements in %v", announcePerSecond+1, took)
	}
	stop()
}

// records counts what is logged.
type records struct {
	slog.Handler
	n *int
}

func (r records) Handle(context.Context, slog.Record) error { *r.n++; return nil }

// TestListenerRun is the whole Listener, with both sockets or one that cannot be had.
func TestListenerRun(t *testing.T) {
	fails := func(context.Context) (*net.UDPConn, error) { return nil, errors.New("no such luck") }
	for _, c := range []struct {
		name          string
		noPMP, noUPnP bool
	}{{"both", false, false}, {"UPnP alone", true, false}, {"PCP and NAT-PMP alone", false, true}, {"none", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			l, logged := notifyListener(t, localhost), 0
			l.Log = slog.New(records{slog.NewTextHandler(io.Discard, nil), &logged})
			ears := l.ears()
			if c.noPMP {
				ears[0].open = fails
			}
			last := ears[1].open
			if c.noUPnP {
				last = fails
			}
			opened := make(chan struct{})
			ears[1].open = func(ctx context.Context) (*net.UDPConn, error) {
				defer close(opened)
				return last(ctx)
			}
			ctx, cancel := context.WithCancel(t.Context())
			heard, done := make(chan Protocol, 2), make(chan error, 1)
			calls := 0 // no lock: the race detector sees whether two come at a time
			go func() { done <- l.run(ctx, ears, func(a Announcement) { calls++; heard <- a.Protocol }) }()
			<-opened
			announcer(t, localhost, l.Ports.Announce)(pcpHello)
			notifier(t, localhost, l)(alive("7"))
			got, want := map[Protocol]bool{}, map[Protocol]bool{}
			for p, not := range map[Protocol]bool{PCP: c.noPMP, UPnP: c.noUPnP} {
				if !not {
					want[p] = true
					got[<-heard] = true
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("heard %v, want %v", got, want)
			}
			none, one := c.noPMP && c.noUPnP, c.noPMP != c.noUPnP
			if !none {
				cancel()
			}
			if err := <-done; (err != nil) != none {
				t.Errorf("ended with %v", err)
			}
			cancel()
			if calls != len(want) {
				t.Errorf("%d calls, want %d", calls, len(want))
			}
			if (logged == 1) != one || logged > 1 {
				t.Errorf("logged %d lines", logged)
			}
		})
	}
}

// One socket that breaks ends the other one, too, and the error comes out.
func TestListenerRunBroken(t *testing.T) {
	noLeaks(t)
	l := notifyListener(t, localhost)
	ears := l.ears()
	open := ears[1].open
	ears[1].open = func(ctx context.Context) (*net.UDPConn, error) {
		conn, err := open(ctx)
		if err == nil {
			err = conn.Close()
		}
		return conn, err
	}
	if err := l.run(t.Context(), ears, func(Announcement) {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v, want %v", err, net.ErrClosed)
	}
}
