package daemon

import (
	"context"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/notify"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
	"github.com/portsitter/portsitter/netutil/route"
)

// World is everything the loop can see or touch, and the one seam for tests: a struct of funcs, all
// of them set. Only Map and Unmap of the clients that Search hands out write to a router, only
// StandIn takes a port of this PC, and only Save and Record write to disk.
type World struct {
	// Now is the wall clock.
	Now func() time.Time
	// Rand draws from [0,1); it spreads what would otherwise happen everywhere at once.
	Rand func() float64
	// Route reads the way out from the system's tables.
	Route func(context.Context, configs.Network) (route.Report, error)
	// HardwareAddr tells the gateway's MAC address when the system knows it already; "" otherwise.
	HardwareAddr func(route.Route) string
	// Category tells how Windows calls the network; "" where it is not known.
	Category func(r route.Route, mac string) route.Category
	// Search asks a gateway by every protocol; see portmap.Search.
	Search func(context.Context, SearchOrder, func(portmap.Answer))
	// Listen hears what the router of that route announces, until ctx ends.
	Listen func(ctx context.Context, r route.Route, heard func(portmap.Announcement)) error
	// SecondHop finds the router behind the home router.
	SecondHop func(ctx context.Context, r route.Route) (netip.Addr, error)
	// AskHTTP and AskSTUN ask one of the servers for our public IPv4 address. local is our address
	// facing the gateway, so that the answer is about that way out.
	AskHTTP func(ctx context.Context, local netip.Addr, servers []string) (netip.Addr, error)
	AskSTUN func(ctx context.Context, local netip.Addr, servers []string) (netip.Addr, error)
	// Bound tells, cheaply, whether any program of this PC holds a port; Owner tells who.
	Bound func(transport string, port uint16) (bool, error)
	Owner func(ctx context.Context, transport string, port uint16) (portowner.Owners, error)
	// Dropped tells how much Search and Listen have heard and not used.
	Dropped func() Dropped
	// Firewall tells what the firewall of this PC does with a packet from outside.
	Firewall func(ctx context.Context, q firewall.Question) (firewall.Report, error)
	// StandIn takes a free UDP port for itself alone. ErrPortTaken of kaillera: somebody has it.
	StandIn func(ctx context.Context, port uint16) (Answerer, error)
	// AskChecker asks the checkers in order until one answers; see checker.Client.Ask.
	AskChecker func(ctx context.Context, o CheckOrder) (checker.Answer, error)
	// Watch calls wake whenever the network may have changed or the PC woke up, until ctx ends.
	Watch func(ctx context.Context, wake func(reason string)) error
	// Notify tells all receivers the news, and what became of each.
	Notify func(ctx context.Context, to configs.Notify, news notify.News) []notify.Result
	// Save stores what has to survive a restart. It is called by one goroutine at a time.
	Save func(Memory) error
	// Record adds a line to the history. It is called by one goroutine at a time.
	Record func(Event) error
}

// SearchOrder is one search of one gateway.
type SearchOrder struct {
	Route     route.Route
	Protocols []portmap.Protocol
	Known     string // UPnP description URL that worked last time
	Permanent bool   // this router took only permanent UPnP leases
	UDN       string // and this was its unique device name
	Slow      bool   // give UPnP 10 s instead of 3 s
}
