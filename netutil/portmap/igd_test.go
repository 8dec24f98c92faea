package portmap

import (
	"errors"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestGatewayURL(t *testing.T) {
	gateway := netip.MustParseAddr("192.168.1.1")
	for raw, c := range map[string]struct {
		want  string // "" = refused
		moved bool
	}{
		"http://192.168.1.1:5000/rootDesc.xml":           {"http://192.168.1.1:5000/rootDesc.xml", false},
		" http://192.168.1.1:5000/a ":                    {"http://192.168.1.1:5000/a", false},
		"http://192.168.1.1/":                            {"http://192.168.1.1:80/", false},
		"http://192.168.1.1":                             {"http://192.168.1.1:80", false},
		"HTTP://192.168.1.1:80/a?b=c&d=e":                {"http://192.168.1.1:80/a?b=c&d=e", false},
		"http://[::ffff:192.168.1.1]:80/":                {"http://192.168.1.1:80/", false},
		"http://192.168.1.1:80/a#b":                      {"http://192.168.1.1:80/a", false},
		"http://192.168.1.254:5000/a":                    {"http://192.168.1.1:5000/a", true},
		"http://10.0.0.1:5000/a":                         {"http://192.168.1.1:5000/a", true},
		"http://127.0.0.1:631/a":                         {"http://192.168.1.1:631/a", true},
		"http://0.0.0.0:49152/a":                         {"http://192.168.1.1:49152/a", true},
		"http://[fe80::1%25eth0]:5000/a":                 {"http://192.168.1.1:5000/a", true},
		"http://router.example:5000/a":                   {},
		"http://localhost:5000/a":                        {},
		"http://192.168.1.1.example:5000/a":              {},
		"http://0xc0a80101/":                             {},
		"http://192.168.1/":                              {},
		"https://192.168.1.1:5000/a":                     {},
		"ftp://192.168.1.1/a":                            {},
		"file:///etc/passwd":                             {},
		"http:192.168.1.1/a":                             {},
		"/rootDesc.xml":                                  {},
		"":                                               {},
		"http://user@192.168.1.1/":                       {},
		"http://u:p@192.168.1.1/":                        {},
		"http://192.168.1.1:0/":                          {},
		"http://192.168.1.1:65536/":                      {},
		"http://192.168.1.1:-1/":                         {},
		"http://192.168.1.1:port/":                       {},
		"http://192.168.1.1/\x00":                        {},
		"http://192.168.1.1/" + strings.Repeat("a", 2e3): {},
	} {
		t.Run(raw[:min(len(raw), 40)], func(t *testing.T) {
			u, moved, err := gatewayURL(raw, gateway)
			switch {
			case c.want == "" && err == nil:
				t.Errorf("taken as %v", u)
			case c.want != "" && (err != nil || u.String() != c.want || moved != c.moved):
				t.Errorf("got %v, moved %v, error %v", u, moved, err)
			}
		})
	}
}

// checkGatewayURL holds for every address that is going to be asked.
func checkGatewayURL(t *testing.T, u *url.URL) {
	t.Helper()
	to, err := netip.ParseAddrPort(u.Host)
	if err != nil || to.Addr() != loopback || to.Port() == 0 || u.Scheme != "http" || u.User != nil {
		t.Errorf("%v would be asked", u)
	}
}

func TestParseDescription(t *testing.T) {
	const (
		ip1, ip2, ppp = "urn:schemas-upnp-org:service:WANIPConnection:1", "urn:schemas-upnp-org:service:WANIPConnection:2", "urn:schemas-upnp-org:service:WANPPPConnection:1"
		at            = "http://127.0.0.1:5000"
	)
	type control struct{ urn, urls string }
	for file, c := range map[string]struct {
		name, udn string
		services  []control
	}{
		"miniupnpd-igd2.xml":       {"OpenWrt router", "uuid:10000000-2000-3000-4000-500000000001", []control{{ip2, at + "/ctl/IPConn"}}},
		"miniupnpd-igd1.xml":       {"OpenWrt router", "uuid:10000000-2000-3000-4000-500000000001", []control{{ip1, at + "/ctl/IPConn"}}},
		"igd1-with-v2-service.xml": {"OpenWrt router", "uuid:10000000-2000-3000-4000-500000000001", []control{{ip2, at + "/ctl/IPConn"}}},
		"fritzbox.xml":             {"AVM Berlin FRITZ!Box 7590", "uuid:75802409-bccb-40e7-8e6c-000000000001", []control{{ip1, at + "/igdupnp/control/WANIPConn1"}}},
		"tplink-ip-and-ppp.xml": {"TP-Link Archer C7", "uuid:upnp-InternetGatewayDevice-1_0-0000000000001",
			[]control{{ip1, "http://127.0.0.1:1900/ipc"}, {ppp, "http://127.0.0.1:1900/ppp"}}},
		"mikrotik.xml":     {"MikroTik Router OS", "uuid:UUID-MIKROTIK-INTERNET-GATEWAY-DEVICE-", []control{{ip1, at + "/upnp/control/abc/wanipconn"}}},
		"ppp-relative.xml": {"ADSL Modem", "uuid:00000000-0001-1000-8000-000000000001", []control{{ppp, at + "/ctl/WANPPP " + at + "/desc/ctl/WANPPP"}}},
		"dslforum.xml":     {"Huawei HG630", "uuid:00000000-0001-1000-8000-000000000002", []control{{"urn:dslforum-org:service:WANPPPConnection:1", at + "/upnp/control/WANPPPConn1"}}},
		"sloppy.xml":       {"AT&T Home & Office", "", []control{{"urn:schemas-upnp-org:service:wanipconnection:1", at + "/control?WANIPConnection"}}},
		"latin1.xml":       {"Opérateur Télécom Modèle 4", "uuid:00000000-0001-1000-8000-000000000003", []control{{ip1, at + "/ctl/ip"}}},
	} {
		t.Run(file, func(t *testing.T) {
			text := strings.ReplaceAll(fixture(t, file), "PORT", "1900")
			location := mustURL(t, at+"/desc/root.xml")
			d, err := parseDescription(utf8Text([]byte(text)), location, newGuard(loopback, loopback))
			if err != nil {
				t.Fatal(err)
			}
			if want := (Device{Name: c.name, UDN: c.udn, Location: location.String()}); d.device != want {
				t.Errorf("device %+v, want %+v", d.device, want)
			}
			var got []control
			for _, s := range d.services {
				var urls []string
				for _, u := range s.controls {
					checkGatewayURL(t, u)
					urls = append(urls, u.String())
				}
				got = append(got, control{s.urn, strings.Join(urls, " ")})
			}
			if !slices.Equal(got, c.services) {
				t.Errorf("services %v, want %v", got, c.services)
			}
		})
	}
}

func TestParseDescriptionRefuses(t *testing.T) {
	whole := fixture(t, "miniupnpd-igd2.xml")
	with := func(control string) string {
		return strings.ReplaceAll(whole, ">/ctl/IPConn<", ">"+control+"<")
	}
	for name, c := range map[string]struct {
		text string
		want error // nil: any
	}{
		"media server":               {fixture(t, "mediaserver.xml"), errNoService},
		"nothing":                    {"", nil},
		"a page":                     {"<!DOCTYPE html><html><body>Login</body></html>", errXMLDoctype},
		"a page without type":        {"<html><body>Login</body></html>", nil},
		"cut short":                  {whole[:len(whole)-40], nil},
		"too deep":                   {"<root>" + strings.Repeat("<device>", 100), errXMLDepth},
		"control at a name":          {with("http://router.example/ctl"), nil},
		"control at //name":          {with("//router.example/ctl"), nil},
		"control by https":           {with("https://127.0.0.1/ctl"), nil},
		"control with a user":        {with("http://a:b@127.0.0.1/ctl"), nil},
		"control of 2000 letters":    {with(strings.Repeat("a", 2000)), nil},
		"no control address":         {with(" "), nil},
		"control that is no address": {with("%zz"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parseDescription([]byte(c.text), mustURL(t, "http://127.0.0.1:5000/a"), newGuard(loopback, loopback))
			if err == nil {
				t.Fatalf("taken as %+v", d.device)
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestControlElsewhereIsLedBack(t *testing.T) {
	for _, control := range []string{"http://10.9.8.7:49000/ctl", "//10.9.8.7:49000/ctl"} {
		text := strings.ReplaceAll(fixture(t, "miniupnpd-igd2.xml"), ">/ctl/IPConn<", ">"+control+"<")
		d, err := parseDescription([]byte(text), mustURL(t, "http://127.0.0.1:5000/a"), newGuard(loopback, loopback))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.services[0].controls[0].String(); got != "http://127.0.0.1:49000/ctl" {
			t.Errorf("%s: control at %s", control, got)
		}
	}
}

func TestServicesAreBounded(t *testing.T) {
	text := fixture(t, "ppp-relative.xml")
	one := text[strings.Index(text, "<service>"):strings.Index(text, "</serviceList>")]
	text = strings.Replace(text, one, strings.Repeat(one, 3*maxServices), 1)
	d, err := parseDescription([]byte(text), mustURL(t, "http://127.0.0.1:5000/a"), newGuard(loopback, loopback))
	if err != nil || len(d.services) != maxServices {
		t.Errorf("%d services, %v", len(d.services), err)
	}
}

func FuzzParseDescription(f *testing.F) {
	files, err := os.ReadDir("testdata/igd")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add([]byte(fixture(f, file.Name())))
	}
	location := mustURL(f, "http://127.0.0.1:5000/desc/root.xml")
	g := newGuard(loopback, loopback)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parseDescription(utf8Text(raw), location, g)
		if err != nil {
			return
		}
		if len(d.services) == 0 || len(d.services) > maxServices || len([]rune(d.device.Name)) > maxName {
			t.Errorf("%d services, name %q", len(d.services), d.device.Name)
		}
		for _, s := range d.services {
			for _, u := range s.controls {
				checkGatewayURL(t, u)
			}
		}
	})
}
