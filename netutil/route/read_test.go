package route

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestReadThisMachine looks at whatever the machine has, and checks that the answer hangs together.
func TestReadThisMachine(t *testing.T) {
	report, err := Read(t.Context(), Override{})
	known := errors.Is(err, ErrNoGateway) || errors.Is(err, ErrOnlyTunnel) || errors.Is(err, ErrNoLocal)
	if err != nil && !known {
		t.Fatalf("the tables could not be read: %v", err)
	}
	t.Logf("%+v, %v", report, err)
	r := report.Route
	if (err == nil) != r.Valid() {
		t.Fatalf("route %+v with error %v", r, err)
	}
	if err != nil {
		return
	}
	if !r.Prefix.Contains(r.Gateway) || r.Interface == "" || r.Index <= 0 || !r.Local.Is4() || !r.Gateway.Is4() {
		t.Errorf("route does not hang together: %+v", r)
	}
	if report.Candidates[0].Route != r {
		t.Errorf("first candidate %+v is not the route %+v", report.Candidates[0], r)
	}
	again, err := Read(t.Context(), Override{Interface: r.Interface, Gateway: r.Gateway})
	if err != nil || again.Route.Gateway != r.Gateway || again.Route.Interface != r.Interface {
		t.Errorf("asked for by name: %+v, %v, want %+v", again.Route, err, r)
	}
	if mac, ok := HardwareAddr(r.Gateway, r.Index); ok && !regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`).MatchString(mac) {
		t.Errorf("hardware address %q", mac)
	}
}

func TestReadOverrideNotThere(t *testing.T) {
	report, err := Read(t.Context(), Override{Interface: "no such interface"})
	if !errors.Is(err, ErrOverride) || report.Route.Valid() {
		t.Errorf("%+v, %v; want ErrOverride", report.Route, err)
	}
}

func TestReadFallsBack(t *testing.T) {
	broken := errors.New("broken")
	whole := func(l link, gateway string) tables {
		return tables{rows: 1, links: links(l), hops: []hop{via(l, gateway, 0)}}
	}
	for _, c := range []struct {
		name                string
		first, second       tables
		firstErr, secondErr error
		want                string
		err                 error
	}{
		{name: "works", first: whole(eth, ethGateway), second: whole(wifi, wifiGateway), want: ethGateway},
		{name: "no default route is an answer", first: tables{rows: 3}, second: whole(wifi, wifiGateway), err: ErrNoGateway},
		{name: "no route at all is none", second: whole(wifi, wifiGateway), want: wifiGateway},
		{name: "no route at all, and nobody knows better", secondErr: broken, err: ErrNoGateway},
		{name: "fails", firstErr: broken, second: whole(wifi, wifiGateway), want: wifiGateway},
		{name: "fails, and the other finds nothing", firstErr: broken, err: broken},
		{name: "both fail", firstErr: broken, secondErr: errors.New("broken, too"), err: broken},
	} {
		report, err := read(t.Context(), Override{},
			func(bool) (tables, error) { return c.first, c.firstErr },
			func(context.Context) (tables, error) { return c.second, c.secondErr })
		want, _ := netip.ParseAddr(c.want)
		if report.Route.Gateway != want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %v, %v; want %q, %v", c.name, report.Route.Gateway, err, c.want, c.err)
		}
	}
}

func TestMAC(t *testing.T) {
	for _, c := range []struct {
		hw   []byte
		want string
	}{
		{[]byte{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x0f}, "aa:bb:cc:dd:ee:0f"},
		{make([]byte, 6), ""},
		{make([]byte, 20), ""},
		{nil, ""},
	} {
		if got, ok := macOf(c.hw); got != c.want || ok != (c.want != "") {
			t.Errorf("%x: %q %v, want %q", c.hw, got, ok, c.want)
		}
	}
}

func TestReadAfterCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, Override{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestHardwareAddrOfNobody(t *testing.T) {
	for _, gateway := range []netip.Addr{{}, netip.IPv6Loopback(), netip.MustParseAddr("203.0.113.99")} {
		if mac, ok := HardwareAddr(gateway, 0); ok || mac != "" {
			t.Errorf("%v has hardware address %q", gateway, mac)
		}
	}
}

func TestSourceToward(t *testing.T) {
	loopback := netip.MustParseAddr("127.0.0.1")
	if got := sourceToward(loopback); got != loopback {
		t.Errorf("source toward %v is %v", loopback, got)
	}
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		_, _ = Read(b.Context(), Override{})
	}
}

func BenchmarkHardwareAddr(b *testing.B) {
	for b.Loop() {
		HardwareAddr(netip.MustParseAddr("192.168.1.1"), 0)
	}
}
