package portmap

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var wanted = Request{
	Transport: UDP,
	Internal:  netip.MustParseAddrPort("127.0.0.1:27886"),
	External:  27886,
	Lease:     time.Hour,
}

func TestUPnPMap(t *testing.T) {
	f := newFakeIGD(t)
	c := f.client(t, "miniupnpd-igd2.xml")
	before := time.Now().Round(0)
	m, err := c.Map(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if m.Granted.Before(before) || m.Granted.After(time.Now()) || m.Granted != m.Granted.Round(0) {
		t.Errorf("granted at %v", m.Granted)
	}
	m.Granted = time.Time{}
	if want := (Mapping{
		Protocol: UPnP, Gateway: loopback, Transport: UDP, Internal: wanted.Internal,
		External: netip.AddrPortFrom(netip.Addr{}, 27886), Lease: time.Hour,
	}); m != want {
		t.Errorf("got %+v, want %+v", m, want)
	}
	if got := f.seen(); !slices.Equal(got, []string{"AddPortMapping"}) {
		t.Errorf("asked %v", got)
	}
	var asked []string
	for _, name := range f.last().order {
		asked = append(asked, name+"="+f.last().args[name])
	}
	if want := []string{ // the order of the standard: some firmware reads by position
		"NewRemoteHost=", "NewExternalPort=27886", "NewProtocol=UDP", "NewInternalPort=27886",
		"NewInternalClient=127.0.0.1", "NewEnabled=1", "NewPortMappingDescription=Portsitter", "NewLeaseDuration=3600",
	}; !slices.Equal(asked, want) {
		t.Errorf("asked with %q", asked)
	}
	if a := f.last(); a.length <= 0 || !a.closes || a.urn != c.service.urn || a.path != "/ctl/IPConn" {
		t.Errorf("request %+v", a)
	}
}

// byLease answers AddPortMapping by the lease that is asked for: "" is success.
func byLease(answers map[string]string) func(soapCall) (int, string) {
	return func(c soapCall) (int, string) {
		switch code := answers[c.args["NewLeaseDuration"]]; code {
		case "":
			return 200, soapOK(c)
		case "page":
			return 500, "<html>Internal Error</html>"
		case "gone":
			return 404, ""
		default:
			return 500, soapFaultText(code, "")
		}
	}
}

func TestUPnPLeaseLadder(t *testing.T) {
	for name, c := range map[string]struct {
		answers   map[string]string // by lease
		lease     time.Duration     // asked for; 0 = an hour, unless permanent
		permanent bool              // remembered before
		asked     string            // leases, in order
		granted   time.Duration
		code      int  // of the refusal that is reported; 0 = success
		remember  bool // that only permanent entries are taken
	}{
		"takes leases":            {asked: "3600", granted: time.Hour},
		"only permanent":          {answers: map[string]string{"3600": "725"}, asked: "3600 0", remember: true},
		"remembered":              {permanent: true, asked: "0", remember: true},
		"remembered, asked for 0": {permanent: true, lease: -1, asked: "0", remember: true},
		"remembered, but changed": {permanent: true, answers: map[string]string{"0": "402"}, asked: "0 3600", granted: time.Hour},
		"402 for a lease":         {answers: map[string]string{"3600": "402"}, asked: "3600 0", remember: true},
		"402 but for a week":      {answers: map[string]string{"3600": "402", "0": "402"}, asked: "3600 0 604800", granted: week},
		"402 always (table full)": {answers: map[string]string{"3600": "402", "0": "402", "604800": "402"}, asked: "3600 0 604800", code: 402},
		"402, then the reason":    {answers: map[string]string{"3600": "402", "0": "718"}, asked: "3600 0", code: 718},
		"501 for a lease":         {answers: map[string]string{"3600": "501"}, asked: "3600 0"},
		"501 always (WAN down)":   {answers: map[string]string{"3600": "501", "0": "501"}, asked: "3600 0", code: 501},
		"501, then less telling":  {answers: map[string]string{"3600": "501", "0": "402"}, asked: "3600 0", code: 501},
		"501, then the reason":    {answers: map[string]string{"3600": "501", "0": "606"}, asked: "3600 0", code: 606},
		"a page for a lease":      {answers: map[string]string{"3600": "page"}, asked: "3600 0"},
		"a page always":           {answers: map[string]string{"3600": "page", "0": "page"}, asked: "3600 0", code: 500},
		"725 always":              {answers: map[string]string{"3600": "725", "0": "725"}, asked: "3600 0", code: 725},
		"725, then 501":           {answers: map[string]string{"3600": "725", "0": "501"}, asked: "3600 0", code: 501},
		"725, then 402":           {answers: map[string]string{"3600": "725", "0": "402"}, asked: "3600 0", code: 402},
		"402 and 725 in turn":     {permanent: true, answers: map[string]string{"3600": "725", "0": "402"}, asked: "0 3600", code: 725, remember: true},
		"conflict":                {answers: map[string]string{"3600": "718"}, asked: "3600", code: 718},
		"denied":                  {answers: map[string]string{"3600": "606"}, asked: "3600", code: 606},
		"full":                    {answers: map[string]string{"3600": "728"}, asked: "3600", code: 728},
		"asked for permanent":     {lease: -1, asked: "0"},
		"permanent refused":       {lease: -1, answers: map[string]string{"0": "402"}, asked: "0 604800", granted: week},
		"more than a week":        {lease: 30 * 24 * time.Hour, asked: "604800", granted: week},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = byLease(c.answers)
			client := f.client(t, "miniupnpd-igd1.xml")
			client.device.Permanent = c.permanent
			r := wanted
			if c.lease != 0 {
				r.Lease = max(c.lease, 0)
			}
			m, err := client.Map(t.Context(), r)
			var asked []string
			for _, call := range f.calls {
				asked = append(asked, call.args["NewLeaseDuration"])
			}
			if got := strings.Join(asked, " "); got != c.asked {
				t.Errorf("asked for %q, want %q", got, c.asked)
			}
			if got := client.Device().Permanent; got != c.remember {
				t.Errorf("remembers permanent: %v", got)
			}
			refusal, _ := errors.AsType[*Refusal](err)
			switch {
			case c.code == 0 && (err != nil || m.Lease != c.granted):
				t.Errorf("granted %v, %v; want %v", m.Lease, err, c.granted)
			case c.code != 0 && (refusal == nil || refusal.Code != c.code || m != Mapping{}):
				t.Errorf("got %+v, %v; want %d", m, err, c.code)
			case c.code != 0 && strings.Contains(name, "full") != (refusal.Kind == Full):
				t.Errorf("%v is of kind %d", err, refusal.Kind)
			}
		})
	}
}

func TestUPnPLadderEndsWithTheRouter(t *testing.T) {
	f := newFakeIGD(t)
	f.soap = byLease(map[string]string{"3600": "402", "0": "gone"})
	_, err := f.client(t, "miniupnpd-igd1.xml").Map(t.Context(), wanted)
	if !errors.Is(err, ErrGone) || len(f.seen()) != 2 {
		t.Errorf("error %v after %v", err, f.seen())
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.soap = func(c soapCall) (int, string) { cancel(); <-ctx.Done(); return 500, soapFaultText("402", "") }
	if _, err := f.client(t, "miniupnpd-igd1.xml").Map(ctx, wanted); !errors.Is(err, context.Canceled) || len(f.seen()) != 3 {
		t.Errorf("error %v after %v", err, f.seen())
	}
}

func TestUPnPMapRefusesNonsense(t *testing.T) {
	f := newFakeIGD(t)
	c := f.client(t, "miniupnpd-igd1.xml")
	for name, change := range map[string]func(*Request){
		"every port":         func(r *Request) { r.External = 0 },
		"no internal port":   func(r *Request) { r.Internal = netip.AddrPortFrom(loopback, 0) },
		"no internal client": func(r *Request) { r.Internal = netip.AddrPortFrom(netip.Addr{}, 27886) },
		"IPv6":               func(r *Request) { r.Internal = netip.MustParseAddrPort("[2001:db8::1]:27886") },
		"transport":          func(r *Request) { r.Transport = "sctp" },
		"negative lease":     func(r *Request) { r.Lease = -time.Second },
		"half a second":      func(r *Request) { r.Lease = 500 * time.Millisecond }, // would be 0, for ever
	} {
		t.Run(name, func(t *testing.T) {
			r := wanted
			change(&r)
			if m, err := c.Map(t.Context(), r); err == nil {
				t.Errorf("mapped %+v", m)
			}
		})
	}
	if len(f.seen()) != 0 {
		t.Errorf("the router was asked %v", f.seen())
	}
}

// BenchmarkKnownToMapped is the way of a start with a known router: description, then the mapping.
func BenchmarkKnownToMapped(b *testing.B) {
	f := newFakeIGD(b)
	s := Search{Gateway: loopback, Local: loopback, Log: noLog}
	s.Known = f.describe(b, "/rootDesc.xml", "miniupnpd-igd2.xml")
	s.Ports.SSDP = newFakeSSDP(b, "", "").port
	b.ReportAllocs()
	for b.Loop() {
		s.upnp(b.Context(), func(a Answer) {
			if _, err := a.Client.Map(b.Context(), wanted); err != nil {
				b.Fatal(err)
			}
		})
	}
}
