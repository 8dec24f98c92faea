package portmap

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// byPath gives each control address a state and an outer address: "Connected 203.0.113.7". What is
// not listed, and "-", is answered with HTTP 401.
func byPath(lines map[string]string) func(soapCall) (int, string) {
	return func(c soapCall) (int, string) {
		state, outer, ok := strings.Cut(lines[c.path], " ")
		switch {
		case !ok:
			return 401, ""
		case c.action == "GetStatusInfo" && state == "-", c.action == "GetExternalIPAddress" && outer == "-":
			return 500, soapFaultText("401", "Invalid Action")
		case c.action == "GetStatusInfo":
			return 200, soapOK(c, "NewConnectionStatus", state, "NewLastConnectionError", "ERROR_NONE", "NewUptime", "")
		case c.action == "GetExternalIPAddress":
			return 200, soapOK(c, "NewExternalIPAddress", outer)
		}
		return 200, soapOK(c)
	}
}

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		lines map[string]string
		want  string // path of the service chosen; "" = none
		outer string
		asked int // questions it took
	}{
		"a single one is taken unseen":  {"fritzbox.xml", nil, "/igdupnp/control/WANIPConn1", "", 0},
		"the first is the best":         {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Connected 203.0.113.7", "/ppp": "Connected 203.0.113.8"}, "/ipc", "203.0.113.7", 2},
		"the second is connected":       {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Disconnected 0.0.0.0", "/ppp": "Connected 203.0.113.8"}, "/ppp", "203.0.113.8", 4},
		"Up counts as connected":        {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Unconfigured ", "/ppp": "Up 203.0.113.8"}, "/ppp", "203.0.113.8", 4},
		"public is better than private": {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Connected 10.0.0.2", "/ppp": "Connected 203.0.113.8"}, "/ppp", "203.0.113.8", 4},
		"nor is a carrier's public":     {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Connected 100.64.3.2", "/ppp": "Connected 203.0.113.8"}, "/ppp", "203.0.113.8", 4},
		"connected is better":           {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Disconnected 203.0.113.7", "/ppp": "Connected 10.0.0.2"}, "/ppp", "10.0.0.2", 4},
		"alike: in order":               {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "Connected 10.0.0.2", "/ppp": "Connected 10.0.0.2"}, "/ipc", "10.0.0.2", 4},
		"one does not know its state":   {"tplink-ip-and-ppp.xml", map[string]string{"/ipc": "- 203.0.113.7", "/ppp": "Disconnected -"}, "/ipc", "203.0.113.7", 4},
		"the first is broken":           {"tplink-ip-and-ppp.xml", map[string]string{"/ppp": "Disconnected 0.0.0.0"}, "/ppp", "", 4},
		"nobody answers: in order":      {"tplink-ip-and-ppp.xml", nil, "/ipc", "", 4},
		"DSL Forum proves itself":       {"dslforum.xml", map[string]string{"/upnp/control/WANPPPConn1": "Connected 203.0.113.7"}, "/upnp/control/WANPPPConn1", "203.0.113.7", 2},
		"DSL Forum wants a password":    {"dslforum.xml", nil, "", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = byPath(c.lines)
			location := mustURL(t, f.URL+"/desc.xml")
			text := strings.ReplaceAll(fixture(t, c.file), "PORT", location.Port())
			d, err := parseDescription([]byte(text), location, newGuard(loopback, loopback))
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.choose(t.Context())
			if len(f.seen()) != c.asked {
				t.Errorf("asked %v", f.seen())
			}
			if c.want == "" {
				if !errors.Is(err, errNoService) {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if err != nil || got.service.controls[0].Path != c.want {
				t.Fatalf("got %+v, %v", got, err)
			}
			if addr, _ := netip.ParseAddr(c.outer); got.outer.Addr != addr {
				t.Errorf("outer %v, want %q", got.outer.Addr, c.outer)
			}
		})
	}
}

func TestBetter(t *testing.T) {
	standard, legacy := &service{controls: []*url.URL{{}}}, &service{legacy: true}
	for name, c := range map[string]struct {
		r, s rated
		want bool
	}{
		"higher":            {rated{standard, scoreInternet, Outer{}}, rated{standard, scoreLinked, Outer{}}, true},
		"lower":             {rated{standard, scoreLinked, Outer{}}, rated{standard, scoreInternet, Outer{}}, false},
		"alike":             {rated{standard, scoreLinked, Outer{}}, rated{standard, scoreLinked, Outer{}}, false},
		"alike, standard":   {rated{standard, scoreLinked, Outer{}}, rated{legacy, scoreLinked, Outer{}}, true},
		"alike, legacy":     {rated{legacy, scoreLinked, Outer{}}, rated{standard, scoreLinked, Outer{}}, false},
		"legacy but higher": {rated{legacy, scoreInternet, Outer{}}, rated{standard, scoreMute, Outer{}}, true},
	} {
		if got := c.r.better(c.s); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
