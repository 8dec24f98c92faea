package route

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// sourceFunc tells which address the system would send from toward another one; not valid: no way.
type sourceFunc func(to netip.Addr) netip.Addr

// internetProbe stands for "anywhere on the internet" (TEST-NET-3, RFC 5737). Nothing is sent to it.
var internetProbe = netip.AddrFrom4([4]byte{203, 0, 113, 1})

// verdict is what became of a hop; the better ones come first.
type verdict int

const (
	usable verdict = iota
	noLocal
	tunnelled
	unusable
)

// rank puts usable hops in order before their metrics do.
type rank int

const (
	rankPublic rank = 1 << iota // a gateway with a public address: hardly a home router, but there are some
	rankHalves                  // only VPNs cover the default route by halves, even those links.go does not know
	rankPolicy                  // the settings ask for it, but most of the traffic does not use it
	rankTunnel                  // the settings ask for it, but it is a tunnel or a bridge
)

// judged is a candidate with what is needed to sort it and to explain a failure.
type judged struct {
	Candidate
	verdict verdict
	rank    rank
	idle    int // 1 if the system does not send to the internet by it: decides between equal metrics (multipath)
}

// choose picks the way out. It is pure but for source.
func choose(t tables, o Override, source sourceFunc) (Report, error) {
	from := source(internetProbe)
	var list []judged
	for _, h := range t.withOverride(joinHalves(t.hops), o, source) {
		j := t.judge(h, o)
		if !t.links[h.index].owns(from) {
			j.idle = 1
		}
		list = append(list, j)
	}
	slices.SortStableFunc(list, func(a, b judged) int {
		return cmp.Or(cmp.Compare(a.verdict, b.verdict), cmp.Compare(a.rank, b.rank),
			cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.idle, b.idle))
	})
	list = slices.CompactFunc(list, func(a, b judged) bool { return a.Route == b.Route && a.Rejected == b.Rejected })

	var report Report
	for _, j := range list {
		report.Candidates = append(report.Candidates, j.Candidate)
	}
	if len(list) == 0 || list[0].verdict != usable {
		return report, t.explain(list, o)
	}
	best := &report.Candidates[0].Route
	l := t.links[best.Index]
	if facing := l.facing(best.Gateway); len(facing) > 1 {
		// The router grants to the address that our packets to it bear, and the system picks that.
		prefer(best, facing, source(best.Gateway))
	}
	report.Route = *best
	if from.IsValid() && !l.owns(from) {
		report.Detour = from
	}
	return report, nil
}

// prefer makes local our side of r if it is one of those that face the gateway.
func prefer(r *Route, facing []address, local netip.Addr) {
	for _, a := range facing {
		if a.local == local {
			r.Local, r.Prefix = a.local, a.prefix
			return
		}
	}
}

// withOverride adds the gateway of the settings where no default route leads to it, on every
// interface with a prefix that contains it: the user knows, and a second router in the same LAN can
// be asked for a mapping just as well.
func (t tables) withOverride(hops []hop, o Override, source sourceFunc) []hop {
	known := func(h hop) bool { return o.wants(h, t.links[h.index]) }
	if !o.Gateway.IsValid() || slices.ContainsFunc(hops, known) {
		return hops
	}
	from := source(o.Gateway)
	var added []hop
	for _, index := range t.indexes() {
		h, l := hop{gateway: o.Gateway, index: index}, t.links[index]
		switch {
		case !o.wants(h, l) || len(l.facing(o.Gateway)) == 0:
		case l.owns(from):
			added = slices.Insert(added, 0, h) // wired and wireless in one LAN: the system's own choice
		default:
			added = append(added, h)
		}
	}
	return append(hops, added...)
}

// wants reports whether the settings ask for h on l. The zero Override wants everything.
func (o Override) wants(h hop, l link) bool {
	return (o.Interface == "" || strings.EqualFold(o.Interface, l.name)) &&
		(!o.Gateway.IsValid() || o.Gateway == h.gateway)
}

// judge decides about one hop. What the settings ask for is taken even if it is a tunnel.
func (t tables) judge(h hop, o Override) judged {
	l, there := t.links[h.index]
	j := judged{verdict: unusable, Candidate: Candidate{
		Route:  Route{Gateway: h.gateway, Interface: l.name, Index: h.index},
		Metric: h.metric,
	}}
	class := l.class()
	forced := o != Override{}
	switch {
	case h.refuses:
		j.Rejected = "it refuses all traffic"
	case !there:
		j.Rejected = "its interface is gone"
	case !o.wants(h, l):
		j.Rejected = "the settings ask for another one"
	case class != ordinary && !forced:
		j.Rejected = class.String()
		if class == tunnel {
			j.verdict = tunnelled
		}
	case h.table != mainTable && !forced:
		j.Rejected = fmt.Sprintf("it is in routing table %d, which only some of the traffic uses", h.table)
	case h.ignored:
		j.Rejected = "its interface is set to ignore default routes"
	case !l.up:
		j.Rejected = "its interface is switched off"
	case h.dead || !l.running:
		j.Rejected = "its cable is unplugged or its Wi-Fi is not connected"
	case !h.gateway.IsValid() || h.gateway.IsUnspecified():
		j.Rejected = "there is no gateway on it"
	case !canBeGateway(h.gateway) || l.owns(h.gateway):
		j.Rejected = h.gateway.String() + " cannot be a gateway"
	default:
		j.place(h, l, class)
	}
	return j
}

// place adds our side to a hop that nothing speaks against, and ranks it.
func (j *judged) place(h hop, l link, c class) {
	facing := l.facing(h.gateway)
	if len(facing) == 0 {
		j.verdict, j.Rejected = noLocal, "no address of this PC faces its gateway"
		return
	}
	j.verdict = usable
	j.Local, j.Prefix = facing[0].local, facing[0].prefix
	prefer(&j.Route, facing, h.source)
	if !homeLike(h.gateway) {
		j.rank |= rankPublic
	}
	if h.half == halves {
		j.rank |= rankHalves
	}
	if h.table != mainTable {
		j.rank |= rankPolicy
	}
	if c != ordinary {
		j.rank |= rankTunnel
	}
}

// canBeGateway reports whether a can be the address of a router.
func canBeGateway(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && a.As4()[0] < 240
}

// carrierNAT is the shared address space (RFC 6598). Some providers' routers use it in the home.
var carrierNAT = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)

// homeLike reports whether a is of a kind that home routers have on their LAN side.
func homeLike(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || carrierNAT.Contains(a)
}

// explain says why there is no way out; list is sorted and its first one is not usable.
func (t tables) explain(list []judged, o Override) error {
	if o != (Override{}) {
		return fmt.Errorf("%w: %s; %s", ErrOverride, o, t.instead(list, o))
	}
	if len(list) == 0 {
		return fmt.Errorf("%w: none of %d routes is a default route", ErrNoGateway, t.rows)
	}
	cause := ErrNoGateway
	switch list[0].verdict {
	case noLocal:
		cause = ErrNoLocal
	case tunnelled:
		cause = ErrOnlyTunnel
	}
	return fmt.Errorf("%w: %s", cause, reasons(list))
}

// instead says what was found where the settings' own choice cannot be taken: what is wrong with it
// if it is there, else what is there.
func (t tables) instead(list []judged, o Override) string {
	wanted := slices.DeleteFunc(slices.Clone(list), func(j judged) bool {
		return !o.wants(hop{gateway: j.Gateway}, link{name: j.Interface})
	})
	if len(wanted) > 0 {
		return reasons(wanted)
	}
	var there []string
	for _, index := range t.indexes() {
		if l := t.links[index]; l.up && !l.loopback {
			there = append(there, l.String())
		}
	}
	if len(there) == 0 {
		return "this PC has no network interface"
	}
	text := "this PC has " + shorten(there)
	if slices.ContainsFunc(t.indexes(), func(i int) bool { return strings.EqualFold(t.links[i].name, o.Interface) }) {
		text = "it has no default route, and no address that faces the gateway; " + text
	}
	for _, j := range list {
		if j.Gateway.IsValid() {
			return text + fmt.Sprintf("; its gateway is %s on %s", j.Gateway, j.Interface)
		}
	}
	return text
}

// String names what the settings ask for.
func (o Override) String() string {
	switch {
	case o.Interface == "":
		return "gateway " + o.Gateway.String()
	case !o.Gateway.IsValid():
		return fmt.Sprintf("interface %q", o.Interface)
	}
	return fmt.Sprintf("gateway %s on interface %q", o.Gateway, o.Interface)
}

// reasons says what speaks against each of list.
func reasons(list []judged) string {
	var text []string
	for _, j := range list {
		who := cmp.Or(j.Interface, "a default route")
		if j.Gateway.IsValid() && !j.Gateway.IsUnspecified() {
			who += " (" + j.Gateway.String() + ")"
		}
		text = append(text, who+": "+j.Rejected)
	}
	return shorten(text)
}

// shorten joins a list for people; nobody reads more than a handful.
func shorten(list []string) string {
	const most = 6
	if n := len(list) - most; n > 0 {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", n))
	}
	return strings.Join(list, ", ")
}
