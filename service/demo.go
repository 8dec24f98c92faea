package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/notify"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
	"github.com/portsitter/portsitter/netutil/publicip"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// demo does what run does, in a home made of software: real sockets on loopback, real protocols,
// and a router that exists only in this process. It needs no router, no network and no rights.
func (a *app) demo(ctx context.Context, breakCode string) error {
	if breakCode == "list" {
		fmt.Fprintln(a.stdout, strings.Join(breakable(), "\n"))
		return nil
	}
	settings, _, err := a.settings()
	if err != nil {
		return err
	}
	if err := pageIsFree(settings); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "portsitter-demo-")
	if err != nil {
		return fmt.Errorf("no folder for the demo's state (%w): set TMPDIR to one that can be written", err)
	}
	defer os.RemoveAll(dir)
	log := newLogger(a.stderr, settings.Log.Level)
	home := simhome.New(simhome.Options{Port: settings.Ports[0].ExternalPort})
	breakPC, err := demoBreak(home, breakCode)
	if err != nil {
		return err
	}
	servers, err := home.Serve(context.WithoutCancel(ctx), log) // it has to outlive the farewell
	if err != nil {
		return err
	}
	defer servers.Close()
	store, memory, _, err := daemon.OpenStore(dir)
	if err != nil {
		return err
	}
	checkers, err := demoChecker(ctx, home)
	if err != nil {
		return err
	}
	settings.PublicIP.HTTP = []string{servers.GetIPURL}
	settings.PublicIP.STUN = []string{servers.STUNAddr.String()}
	settings.Checker.URLs = []string{checkers}
	world := demoWorld(home, servers, store)
	breakPC(scene{home, &world, &settings, &memory})
	hints := breakHints(breakCode)
	d := daemon.New(daemon.Options{
		Settings: settings, World: world, Memory: memory, Notices: hints,
		Past:    demoPast(time.Now(), settings.Ports[0].Name, publicOf(home)),
		Version: buildVersion(), Demo: true, Log: log,
	})
	fmt.Fprintf(a.stderr, "This is a demo: a home in software. Your own router is left alone. Look at %s, stop with Ctrl+C.\n", pageURL(settings))
	for _, hint := range hints {
		fmt.Fprintln(a.stderr, hint+".")
	}
	return serve(ctx, d, newPageServer(d, settings, log), log)
}

// pageIsFree refuses to begin a demo whose page would be somebody else's: the person would take what
// the real Portsitter says for the demo.
func pageIsFree(s configs.Settings) error {
	page, served := pageOf(s.Page)
	if !served {
		return nil
	}
	l, err := net.Listen("tcp", page.String())
	if err != nil {
		return fmt.Errorf("the demo's page cannot be at %s (%w), perhaps because a Portsitter or another demo is running: try `portsitter demo --page 127.0.0.1:%d`", page, err, min(page.Port(), 65534)+1)
	}
	return l.Close()
}

// demoWorld is the home in software, as seen from the PC in it.
func demoWorld(home *simhome.Home, servers *simhome.Servers, store *daemon.Store) daemon.World {
	way := route.Report{Route: route.Route{
		Gateway: home.Gateway(), Local: home.Self(), Prefix: netip.PrefixFrom(home.Gateway(), 24).Masked(), Interface: "eth0", Index: 1,
	}}
	return daemon.World{
		Now:          time.Now,
		Rand:         rand.Float64,
		Route:        func(context.Context, configs.Network) (route.Report, error) { return way, nil },
		HardwareAddr: func(route.Route) string { return "" },
		Category:     func(route.Route, string) route.Category { return route.PrivateNetwork },
		Search: func(ctx context.Context, o daemon.SearchOrder, answered func(portmap.Answer)) {
			servers.Search(ctx, portmap.Search{
				Gateway: o.Route.Gateway, Local: o.Route.Local, Protocols: o.Protocols, Known: o.Known, Permanent: o.Permanent, UDN: o.UDN, Slow: o.Slow,
			}, answered)
		},
		Listen: func(ctx context.Context, _ route.Route, _ func(portmap.Announcement)) error {
			<-ctx.Done()
			return nil
		},
		Dropped: func() daemon.Dropped { return daemon.Dropped{} },
		Firewall: func(context.Context, firewall.Question) (firewall.Report, error) {
			return firewall.Report{State: firewall.Allows}, nil
		},
		SecondHop: func(context.Context, route.Route) (netip.Addr, error) {
			return netip.Addr{}, errors.New("the second router does not tell its address")
		},
		AskHTTP:    onLoopback(func(urls []string) *publicip.Source { return publicip.HTTPServers(urls, userAgent()) }),
		AskSTUN:    onLoopback(publicip.STUNServers),
		Bound:      portowner.Bound,
		Owner:      new(portowner.Finder).Owner,
		StandIn:    standIn,
		AskChecker: demoAsk(home),
		Watch: func(ctx context.Context, _ func(string)) error {
			<-ctx.Done()
			return nil
		},
		Notify: func(context.Context, configs.Notify, notify.News) []notify.Result { return nil }, // nobody is told about a demo
		Save:   store.Save,
		Record: store.Record,
	}
}

// onLoopback asks from wherever the system likes: the PC of the demo has no address of its own.
func onLoopback(newSource func([]string) *publicip.Source) func(context.Context, netip.Addr, []string) (netip.Addr, error) {
	ask := askInTurn(newSource)
	return func(ctx context.Context, _ netip.Addr, servers []string) (netip.Addr, error) {
		return ask(ctx, netip.Addr{}, servers)
	}
}
