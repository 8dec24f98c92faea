package service

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// scene is all of the demo that a fault can change before it begins.
type scene struct {
	home     *simhome.Home
	world    *daemon.World
	settings *configs.Settings
	memory   *daemon.Memory
}

// breakPC is a fault of the demo, beside those of the router alone that simhome knows.
type breakPC func(scene)

// pcBreaks are those of the PC and of the internet.
var pcBreaks = []struct {
	code string
	do   breakPC
}{
	{"starting", silentSearch},
	{"no-network", noWay(route.ErrNoGateway)},
	{"vpn-in-the-way", noWay(route.ErrOnlyTunnel)},
	{"public-network", func(s scene) {
		s.world.Category = func(route.Route, string) route.Category { return route.PublicNetwork }
	}},
	{"no-internet", lineCut},
	{"address-unknown", nobodyTells},
	{"own-old-entry", movedHouse},
	{"nobody-answers", deafVisitors},
	{"firewall-blocks", func(s scene) {
		s.home.Configure(func(f *simhome.Faults) { f.NotForwarding = true }) // what a firewall drops looks like that from outside
		s.world.Firewall = func(_ context.Context, q firewall.Question) (firewall.Report, error) {
			return firewall.Report{State: firewall.Blocks, Firewall: "ufw", Rule: "default: DROP", Next: fmt.Sprintf("sudo ufw allow %d/%s", q.Port, q.Transport)}, nil
		}
	}},
	{"hosting-elsewhere", func(s scene) {
		game := portowner.Holder{Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), s.settings.Ports[0].Port+4), PID: 4242, Process: "Project64KSE.exe", Emulator: true}
		s.world.Owner = func(context.Context, string, uint16) (portowner.Owners, error) {
			return portowner.Owners{Elsewhere: []portowner.Holder{game}}, nil
		}
	}},
	{"host-stuck", func(s scene) {
		game := portowner.Holder{Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), s.settings.Ports[0].Port), PID: 4242, Process: "Project64KSE.exe", Emulator: true}
		s.world.Bound = func(string, uint16) (bool, error) { return true, nil }
		s.world.Owner = func(context.Context, string, uint16) (portowner.Owners, error) {
			return portowner.Owners{Port: []portowner.Holder{game}}, nil
		}
	}},
	{"checker-down", func(s scene) {
		s.settings.Checker.URLs = []string{fmt.Sprintf("http://127.0.0.1:%d%s", discard, checker.CheckPath)}
	}},
}

func noWay(err error) breakPC {
	return func(s scene) {
		s.world.Route = func(context.Context, configs.Network) (route.Report, error) { return route.Report{}, err }
	}
}

// demoBreak brings about the fault of a diagnosis: in the home at once, on the PC by what it returns.
func demoBreak(home *simhome.Home, code string) (breakPC, error) {
	for _, b := range pcBreaks {
		if b.code == code {
			return b.do, nil
		}
	}
	if code != "" && !slices.Contains(simhome.Breakable(), code) {
		return nil, fail(exitUsage, "--break %q: %s", code, orElse(didYouMean(code, breakable()), "it can be one of "+strings.Join(breakable(), ", ")))
	}
	if code != "" {
		if err := simhome.Break(home, code); err != nil {
			return nil, &failure{exitUsage, err}
		}
	}
	return func(scene) {}, nil
}

// breakOrder is that of the README: good news first, then the faults down the ladder.
var breakOrder = []string{
	"other-external-port", "own-old-entry", "starting",
	"no-network", "vpn-in-the-way", "public-network", "no-router-answer",
	"double-nat", "carrier-nat", "public-address-differs", "address-unknown", "no-internet",
	"mapping-refused", "port-taken", "not-kept", "wrong-local-address",
	"firewall-blocks", "hosting-elsewhere", "not-forwarding", "host-stuck", "nobody-answers", "checker-down",
}

// breakable lists what --break takes, in that order.
func breakable() []string {
	codes := simhome.Breakable()
	for _, b := range pcBreaks {
		codes = append(codes, b.code)
	}
	slices.SortStableFunc(codes, func(a, b string) int {
		return cmp.Compare(slices.Index(breakOrder, a), slices.Index(breakOrder, b))
	})
	return codes
}

// breakHints says what has to be done for a fault to show, where that is more than to wait.
func breakHints(code string) []string {
	if code != "host-stuck" && code != "checker-down" {
		return nil
	}
	return []string{"Demo: To see " + code + ", press “Check from outside” on the page"}
}

// demoChecker runs the project's own checker on loopback; its packets go through the home's router.
func demoChecker(ctx context.Context, home *simhome.Home) (url string, err error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("the demo's checker cannot listen on this PC: %w", err)
	}
	server := checker.NewServer(checker.ServerOptions{
		AllowPrivate: true,
		Dial: func(ctx context.Context, _ netip.Addr, target netip.AddrPort) (net.Conn, error) {
			inside, in := home.Deliver(portmap.UDP, target.Port())
			if !in || inside.Addr() != home.Self() {
				inside = netip.AddrPortFrom(inside.Addr(), discard) // nobody is there
			}
			var dialer net.Dialer
			return dialer.DialContext(ctx, "udp4", fmt.Sprintf("127.0.0.1:%d", inside.Port()))
		},
	})
	go server.Serve(ctx, listener)
	return fmt.Sprintf("http://%s%s", listener.Addr(), checker.CheckPath), nil
}

// discard is a port where nobody listens (RFC 863).
const discard = 9

// demoAsk asks the demo's checker, and tells the home's public address where it says loopback.
func demoAsk(home *simhome.Home) func(context.Context, daemon.CheckOrder) (checker.Answer, error) {
	return func(ctx context.Context, o daemon.CheckOrder) (checker.Answer, error) {
		c := checker.Client{URLs: o.Servers, UserAgent: userAgent(), Game: o.Game, AllowPrivate: true, Asking: o.Asking}
		a, err := c.Ask(ctx, netip.Addr{}, o.Port, o.Via, o.Hold)
		if public, down := home.Public(); err == nil && down == nil {
			a.Address = netip.AddrPortFrom(public, o.Port)
		}
		return a, err
	}
}
