package simhome

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func mSearch(target string) []byte {
	return []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: " + target + "\r\n\r\n")
}

const igd1, igd2 = "urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2"

// TestSSDP asks for targets and says how many answers come, and under which of them.
func TestSSDP(t *testing.T) {
	const udn = "uuid:5eed0000-7007-4b1d-9e0b-27886000cafe"
	cases := []struct {
		name  string
		fault func(*Faults)
		ask   string
		want  []string
	}{
		{"root", func(*Faults) {}, "upnp:rootdevice", []string{"upnp:rootdevice"}},
		{"version 1 of a version 2", func(*Faults) {}, igd1, []string{igd1}},
		{"version 2 of a version 2", func(*Faults) {}, igd2, []string{igd2}},
		{"version 2 of a version 1", func(f *Faults) { f.IGD = IGDv1 }, igd2, nil},
		{"by name", func(*Faults) {}, udn, []string{udn}},
		{"a printer", func(*Faults) {}, "urn:schemas-upnp-org:device:Printer:1", nil},
		{"all", func(f *Faults) { f.IGD = IGDv1 }, "ssdp:all", []string{"upnp:rootdevice", igd1, "urn:schemas-upnp-org:service:WANIPConnection:1", udn}},
		{"SSDPMulticastOnly", func(f *Faults) { f.SSDPMulticastOnly = true }, igd1, nil},
		{"SSDPOnly another", func(f *Faults) { f.SSDPOnly = igd2 }, igd1, nil},
		{"SSDPOnly this", func(f *Faults) { f.SSDPOnly = igd1 }, igd1, []string{igd1}},
		{"SSDPDelay", func(f *Faults) { f.SSDPDelay = 5 * time.Millisecond }, igd1, []string{igd1}},
		{"silent", func(f *Faults) { f.UPnP = Silent }, igd1, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := New(Options{})
			s := serve(t, h)
			h.Configure(c.fault)
			answers := search(t, s, c.ask, len(c.want))
			if len(answers) != len(c.want) {
				t.Fatalf("%d answers, want %d", len(answers), len(c.want))
			}
			for i, a := range answers {
				if a.Header.Get("St") != c.want[i] || a.Header.Get("Location") != s.Location() || !strings.HasPrefix(a.Header.Get("Usn"), udn) {
					t.Errorf("answer %d: %v", i, a.Header)
				}
			}
		})
	}
}

// search sends one M-SEARCH and gathers the answers: those that are wanted, and what else comes
// within a moment.
func search(t *testing.T, s *Servers, target string, want int) (answers []*http.Response) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.WriteToUDPAddrPort(mSearch(target), netip.AddrPortFrom(loopback, s.Ports.SSDP))
	for {
		patience := 5 * time.Second
		if len(answers) >= want {
			patience = 20 * time.Millisecond
		}
		conn.SetReadDeadline(time.Now().Add(patience))
		buf := make([]byte, 2048)
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return answers
		}
		a, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(buf[:n])), nil)
		if err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("answer %q: %v", buf[:n], err)
		}
		if other := s.home.Faults().SSDPOtherPort; other == (from.Port() == s.Ports.SSDP) {
			t.Errorf("answer from %v", from)
		}
		answers = append(answers, a)
	}
}

func TestSSDPOtherPortAndHost(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	h.Configure(func(f *Faults) { f.SSDPOtherPort, f.LocationHost = true, "10.9.8.7" })
	answers := search(t, s, igd1, 1)
	if len(answers) != 1 || !strings.HasPrefix(answers[0].Header.Get("Location"), "http://10.9.8.7:") {
		t.Errorf("answers %v", answers)
	}
	h.Reboot(true)
	answers = search(t, s, igd1, 1)
	if len(answers) != 1 || answers[0].Header.Get("Bootid.upnp.org") != "2" {
		t.Errorf("after a reboot: %v", answers)
	}
}

// TestDescription reads what stands in the description of each kind.
func TestDescription(t *testing.T) {
	for _, c := range []struct {
		kind IGD
		has  []string
		not  string
	}{
		{IGDv2, []string{igd2, "service:WANIPConnection:2", "<modelName>Router 2000</modelName>", "<controlURL>/ctl/IPConn</controlURL>"}, "PPP"},
		{IGDv1, []string{igd1, "service:WANIPConnection:1"}, ":2<"},
		{IGDPPP, []string{igd1, "service:WANPPPConnection:1"}, "WANIPConnection"},
		{IGDDSLForum, []string{"urn:dslforum-org:device:InternetGatewayDevice:1", "urn:dslforum-org:service:WANPPPConnection:1"}, "schemas-upnp-org"},
		{IGDMixed, []string{igd2, "service:WANIPConnection:1"}, "WANIPConnection:2"},
		{IGDTwo, []string{igd1, "WANPPPConnection:1", "WANIPConnection:1", "/ctl/PPPConn", "/ctl/IPConn"}, ":2<"},
	} {
		h := New(Options{})
		h.Configure(func(f *Faults) { f.IGD = c.kind })
		text := h.describe()
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("IGD %d has no %s", c.kind, want)
			}
		}
		if strings.Contains(text, c.not) {
			t.Errorf("IGD %d has %s", c.kind, c.not)
		}
	}
}

// TestDescriptionForm reads it over HTTP under the faults of form.
func TestDescriptionForm(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	for _, c := range []struct {
		name  string
		fault func(*Faults)
		check func(kind, text string) bool
	}{
		{"healthy", func(*Faults) {}, func(kind, text string) bool {
			return kind == `text/xml; charset="utf-8"` && strings.HasPrefix(text, `<?xml version="1.0" encoding="utf-8"?>`) && strings.HasSuffix(text, "</root>\r\n")
		}},
		{"Latin1", func(f *Faults) { f.Latin1 = true }, func(kind, text string) bool {
			return kind == `text/xml; charset="ISO-8859-1"` && strings.Contains(text, "<modelName>Bo\xeete \xe0 caf\xe9</modelName>")
		}},
		{"BrokenXML", func(f *Faults) { f.BrokenXML = true }, func(_, text string) bool { return !strings.Contains(text, "</root>") }},
		{"ControlAt", func(f *Faults) { f.ControlAt = "http://10.9.8.7/x?a&b" }, func(_, text string) bool {
			return strings.Contains(text, "<controlURL>http://10.9.8.7/x?a&amp;b</controlURL>")
		}},
	} {
		h.Configure(func(f *Faults) { *f = Faults{}; c.fault(f) })
		resp, err := http.Get(s.Location())
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		text.ReadFrom(resp.Body)
		resp.Body.Close()
		if !c.check(resp.Header.Get("Content-Type"), text.String()) {
			t.Errorf("%s: %v\n%s", c.name, resp.Header, text.String())
		}
	}
}

func FuzzSearchTarget(f *testing.F) {
	f.Add(mSearch(igd1))
	f.Add([]byte("NOTIFY * HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if target, ok := searchTarget(b); ok && (target == "" || strings.ContainsAny(target, "\r\n")) {
			t.Errorf("target %q", target)
		}
	})
}
