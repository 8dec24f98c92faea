package portmap

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUPnPClientIsAClient(t *testing.T) {
	f := newFakeIGD(t)
	var c Client = f.client(t, "fritzbox.xml")
	want := Device{
		Name: "AVM Berlin FRITZ!Box 7590", UDN: "uuid:75802409-bccb-40e7-8e6c-000000000001",
		Location: f.URL + "/desc/root.xml", Service: "urn:schemas-upnp-org:service:WANIPConnection:1",
	}
	if c.Name() != UPnP || c.Gateway() != loopback || c.Device() != want {
		t.Errorf("%v at %v: %+v", c.Name(), c.Gateway(), c.Device())
	}
}

func TestUPnPExternal(t *testing.T) {
	for told, want := range map[string]netip.Addr{
		"203.0.113.7":        netip.MustParseAddr("203.0.113.7"),
		" 203.0.113.7\n":     netip.MustParseAddr("203.0.113.7"),
		"192.168.1.2":        netip.MustParseAddr("192.168.1.2"),
		"100.64.0.2":         netip.MustParseAddr("100.64.0.2"),
		"::ffff:203.0.113.7": netip.MustParseAddr("203.0.113.7"),
		"":                   {},
		"0.0.0.0":            {},
		"::":                 {},
		"(null)":             {},
		"203.0.113.7:80":     {},
	} {
		t.Run(told, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = func(c soapCall) (int, string) { return 200, soapOK(c, "NewExternalIPAddress", told) }
			got, err := f.client(t, "miniupnpd-igd2.xml").External(t.Context())
			if err != nil || got != (Outer{Addr: want}) {
				t.Errorf("got %+v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestUPnPLookup(t *testing.T) {
	entry := func(client, port, enabled, description, lease string) func(soapCall) (int, string) {
		return func(c soapCall) (int, string) {
			return 200, soapOK(c, "NewInternalPort", port, "NewInternalClient", client, "NewEnabled", enabled,
				"NewPortMappingDescription", description, "NewLeaseDuration", lease)
		}
	}
	us := netip.MustParseAddrPort("192.168.77.2:27886")
	for name, c := range map[string]struct {
		soap func(soapCall) (int, string)
		want Entry
		err  error // with a zero want: any if nil
	}{
		"whole":               {soap: entry("192.168.77.2", "27886", "1", "Portsitter", "3599"), want: Entry{us, true, "Portsitter", 3599 * time.Second}},
		"disabled":            {soap: entry("192.168.77.2", "27886", "0", "x", "0"), want: Entry{us, false, "x", 0}},
		"disabled in words":   {soap: entry("192.168.77.2", "27886", " False ", "x", "0"), want: Entry{us, false, "x", 0}},
		"enabled left out":    {soap: entry("192.168.77.2", "27886", "", "x", "60"), want: Entry{us, true, "x", time.Minute}},
		"enabled is 2":        {soap: entry("192.168.77.2", "27886", "2", "x", "60"), want: Entry{us, true, "x", time.Minute}},
		"lease is -1":         {soap: entry("192.168.77.2", "27886", "1", "x", "-1"), want: Entry{us, true, "x", 0}},
		"lease is left out":   {soap: entry("192.168.77.2", "27886", "1", "x", ""), want: Entry{us, true, "x", 0}},
		"spaces":              {soap: entry(" 192.168.77.2 ", "\n27886 ", "1", " x ", " 60 "), want: Entry{us, true, "x", time.Minute}},
		"Latin-1 description": {soap: entry("192.168.77.2", "27886", "1", "T\xe9l\xe9", "60"), want: Entry{us, true, "Télé", time.Minute}},
		"no entry":            {soap: fault(500, "714"), err: ErrNoEntry},
		"no such index":       {soap: fault(500, "713"), err: ErrNoEntry},
		"402 is not no entry": {soap: fault(500, "402")},
		"501 is not no entry": {soap: fault(500, "501")},
		"empty client":        {soap: entry("", "", "", "", "")},
		"client is a name":    {soap: entry("my-pc", "27886", "1", "x", "0")},
		"client is nobody":    {soap: entry("0.0.0.0", "27886", "1", "x", "0")},
		"port is no port":     {soap: entry("192.168.77.2", "99999", "1", "x", "0")},
		"nobody there":        {soap: func(soapCall) (int, string) { return 404, "" }, err: ErrGone},
		"an empty answer":     {soap: func(soapCall) (int, string) { return 200, "" }},
		"an answer cut short": {soap: func(c soapCall) (int, string) { return 200, soapOK(c, "NewInternalClient", "192.168.77.2")[:200] }},
		"a login page":        {soap: func(soapCall) (int, string) { return 200, "<html><body>Please log in</body></html>" }},
		"a document type": {soap: func(c soapCall) (int, string) {
			_, good := entry("192.168.77.2", "27886", "1", "x", "60")(c)
			return 200, `<!DOCTYPE a [<!ENTITY x "y">]>` + good
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = c.soap
			got, err := f.client(t, "miniupnpd-igd2.xml").Lookup(t.Context(), UDP, 27886)
			if c.want != (Entry{}) {
				if err != nil || got != c.want {
					t.Errorf("got %+v, %v; want %+v", got, err, c.want)
				}
				return
			}
			if err == nil || got != (Entry{}) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if c.err != nil && !errors.Is(err, c.err) || c.err == nil && errors.Is(err, ErrNoEntry) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			want := []string{"NewRemoteHost", "NewExternalPort", "NewProtocol"}
			if a := f.last(); !slices.Equal(a.order, want) || a.args["NewExternalPort"] != "27886" || a.args["NewProtocol"] != "UDP" {
				t.Errorf("asked with %v in order %v", a.args, a.order)
			}
		})
	}
}

// fault answers every action with an error code.
func fault(status int, code string) func(soapCall) (int, string) {
	return func(soapCall) (int, string) { return status, soapFaultText(code, "words of the router") }
}

func TestUPnPUnmap(t *testing.T) {
	m := Mapping{Transport: UDP, External: netip.MustParseAddrPort("203.0.113.7:27886")}
	for name, c := range map[string]struct {
		soap func(soapCall) (int, string)
		ok   bool
	}{
		"deleted":            {func(c soapCall) (int, string) { return 200, soapOK(c) }, true},
		"gone already":       {fault(500, "714"), true},
		"not ours to delete": {fault(500, "606"), false},
		"an empty yes":       {func(soapCall) (int, string) { return 200, "" }, true},
		"a yes without namespaces": {func(c soapCall) (int, string) {
			return 200, "<Envelope><Body><DeletePortMappingResponse/></Body></Envelope>"
		}, true},
		"a login page":        {func(soapCall) (int, string) { return 200, "<html><body>Please log in</body></html>" }, false},
		"nobody there":        {func(soapCall) (int, string) { return 404, "" }, false},
		"a fault that is 200": {fault(200, "606"), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = c.soap
			err := f.client(t, "miniupnpd-igd1.xml").Unmap(t.Context(), m)
			if (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
			if a := f.last(); a.action != "DeletePortMapping" || a.args["NewExternalPort"] != "27886" || a.args["NewProtocol"] != "UDP" || a.args["NewRemoteHost"] != "" {
				t.Errorf("asked %s with %v", a.action, a.args)
			}
		})
	}
}

// A relative control address that the root does not know is tried where RFC 3986 puts it.
func TestUPnPSecondControlAddress(t *testing.T) {
	f := newFakeIGD(t)
	f.soap = func(c soapCall) (int, string) {
		if c.path != "/desc/ctl/WANPPP" {
			return 404, "<html>Not Found</html>"
		}
		return 200, soapOK(c, "NewExternalIPAddress", "203.0.113.7")
	}
	got, err := f.client(t, "ppp-relative.xml").External(t.Context())
	if err != nil || !got.Addr.IsValid() || len(f.seen()) != 2 {
		t.Errorf("got %+v, %v after %v", got, err, f.seen())
	}
}

func TestUPnPGone(t *testing.T) {
	noLeaks(t)
	f := newFakeIGD(t)
	stop := make(chan struct{})
	f.soap = func(c soapCall) (int, string) { <-stop; return 200, soapOK(c) }
	c := f.client(t, "miniupnpd-igd2.xml")
	c.service.guard.timeout = 100 * time.Millisecond

	if _, err := c.External(t.Context()); !errors.Is(err, ErrGone) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silent router: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.External(ctx); errors.Is(err, ErrGone) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("end of the caller's time: %v", err)
	}
	close(stop)
	f.Close()
	if _, err := c.External(t.Context()); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("router that restarted elsewhere: %v", err)
	}
}

func TestUPnPRedirectIsGone(t *testing.T) {
	other := newFakeIGD(t)
	f := newFakeIGD(t)
	f.Config.Handler = http.RedirectHandler(other.URL, http.StatusTemporaryRedirect)
	_, err := f.client(t, "miniupnpd-igd2.xml").External(t.Context())
	if !errors.Is(err, ErrGone) || len(other.seen()) != 0 {
		t.Errorf("error %v, the other host was asked %v", err, other.seen())
	}
}
