package service

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/kaillera"
	"github.com/portsitter/portsitter/netutil/notify"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
	"github.com/portsitter/portsitter/netutil/publicip"
	"github.com/portsitter/portsitter/netutil/route"
)

// realWorld is this PC, its router, and the internet.
func realWorld(store *daemon.Store, log *slog.Logger) daemon.World {
	drops := &portmap.Drops{}
	return daemon.World{
		Now:  time.Now,
		Rand: rand.Float64,
		Route: func(ctx context.Context, n configs.Network) (route.Report, error) {
			return route.Read(ctx, route.Override{Interface: n.Interface, Gateway: n.Gateway})
		},
		HardwareAddr: func(r route.Route) string {
			mac, _ := route.HardwareAddr(r.Gateway, r.Index)
			return mac
		},
		Category: func(r route.Route, mac string) route.Category {
			category, err := route.NetworkCategory(r, mac)
			if err != nil {
				log.Debug("how Windows calls this network is not known", "error", err)
			}
			return category
		},
		Search: func(ctx context.Context, o daemon.SearchOrder, answered func(portmap.Answer)) {
			portmap.Search{
				Gateway: o.Route.Gateway, Local: o.Route.Local, Interface: o.Route.Index,
				Protocols: o.Protocols, Known: o.Known, Permanent: o.Permanent, UDN: o.UDN, Slow: o.Slow, Log: log, Drops: drops,
			}.Run(ctx, answered)
		},
		Listen: func(ctx context.Context, r route.Route, heard func(portmap.Announcement)) error {
			l := portmap.Listener{Gateway: r.Gateway, Interface: r.Index, Log: log, Drops: drops}
			return l.Run(ctx, heard)
		},
		SecondHop: route.SecondHop,
		AskHTTP:   askInTurn(func(urls []string) *publicip.Source { return publicip.HTTPServers(urls, userAgent()) }),
		AskSTUN:   askInTurn(publicip.STUNServers),
		Bound:     portowner.Bound,
		Owner:     new(portowner.Finder).Owner,
		Dropped: func() daemon.Dropped {
			return daemon.Dropped{Announcements: drops.Announcements(), Answers: drops.Answers()}
		},
		Firewall: firewall.Look,
		StandIn:  standIn,
		AskChecker: func(ctx context.Context, o daemon.CheckOrder) (checker.Answer, error) {
			c := checker.Client{URLs: o.Servers, UserAgent: userAgent(), Game: o.Game, Asking: o.Asking}
			return c.Ask(ctx, o.Local, o.Port, o.Via, o.Hold)
		},
		Watch:  route.Watch,
		Notify: tellReceivers,
		Save:   store.Save,
		Record: store.Record,
	}
}

// tellReceivers tells the receivers of the settings.
func tellReceivers(ctx context.Context, to configs.Notify, news notify.News) []notify.Result {
	webhooks := make([]notify.Webhook, len(to.Webhooks))
	for i, w := range to.Webhooks {
		webhooks[i] = notify.Webhook{Kind: w.Kind, URL: w.URL, URLFile: w.URLFile, URLEnv: w.URLEnv}
	}
	return notify.Sender{UserAgent: userAgent()}.Send(ctx, webhooks, to.Command, news)
}

// askInTurn keeps which server answered last for as long as the settings name the same ones. It is
// called by one goroutine at a time.
func askInTurn(newSource func([]string) *publicip.Source) func(context.Context, netip.Addr, []string) (netip.Addr, error) {
	var source *publicip.Source
	var current []string
	return func(ctx context.Context, local netip.Addr, servers []string) (netip.Addr, error) {
		if source == nil || !slices.Equal(current, servers) {
			source, current = newSource(servers), servers
		}
		a, err := source.Ask(ctx, local)
		return a.Addr, err
	}
}

// userAgent tells other people's servers honestly who asks.
func userAgent() string { return "Portsitter/" + buildVersion() }

// standIn takes the port for the seconds of a check.
func standIn(ctx context.Context, port uint16) (daemon.Answerer, error) {
	s, err := kaillera.ListenStandIn(ctx, port)
	if err != nil {
		return nil, err
	}
	return s, nil
}
