package route

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A probe asks for the second hop by dying there. Home routers sit a few milliseconds from the next
// router; the tries are for a packet lost on Wi-Fi and for routers that limit how often they answer.
const (
	probeHops  = 2
	probeTries = 3
	probeWait  = 700 * time.Millisecond
)

// probeTarget only names a direction, "out": of TEST-NET-2 (RFC 5737), so that a probe bothers nobody
// even if something forwards it without counting. The port is the one traceroute begins with.
var probeTarget = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, 1}), 33434)

// ErrNoSecondHop means that no router behind the gateway answered. Many stay silent by configuration,
// so it says nothing about whether there is one.
var ErrNoSecondHop = errors.New("no router behind the gateway answered")

// RefusedError means that a probe was answered, but not by its hops running out: somebody has no way to
// the internet just now, or filters. If From is neither Route.Gateway nor Route.Local it is the second
// hop all the same, since no probe gets further.
type RefusedError struct {
	From   netip.Addr // who answered: the gateway, the second hop, or this PC itself
	Reason string     // for people: "network unreachable"
}

// Error implements error.
func (e RefusedError) Error() string {
	return fmt.Sprintf("%s answered the probe for the second hop: %s", e.From, e.Reason)
}

// SecondHop tells the address of the router behind r.Gateway, as that router itself tells it: a packet
// that may pass two routers at most makes the second one report that it died there (RFC 792, time
// exceeded). A private or shared (RFC 6598) address means that the gateway is behind another NAT; a
// public one is returned as well, and proves nothing, since routers answer from any of their addresses.
//
// The probes leave from r.Local through r's interface, whatever a VPN does to the default route. It
// needs no privileges and takes one round trip, and up to 2.1 s if nobody answers.
//
// Errors are ErrNoSecondHop, RefusedError, ErrNoGateway if r is no way out, that of ctx, those of the
// system, and errors.ErrUnsupported where there is no way to do this.
func SecondHop(ctx context.Context, r Route) (netip.Addr, error) {
	return secondHop(ctx, r, probe)
}

// probeFunc sends one probe to target and waits until ctx ends for what becomes of it.
type probeFunc func(ctx context.Context, r Route, target netip.AddrPort) (answer, error)

// answer is what became of a probe.
type answer struct {
	from    netip.Addr
	refused string // "" if its hops ran out, else what was answered instead
}

func secondHop(ctx context.Context, r Route, probe probeFunc) (netip.Addr, error) {
	if !r.Valid() || !r.Local.Is4() {
		return netip.Addr{}, fmt.Errorf("%w to look behind", ErrNoGateway)
	}
	err := ErrNoSecondHop
	for range probeTries {
		a, tryErr := try(ctx, r, probe)
		switch {
		case ctx.Err() != nil:
			return netip.Addr{}, ctx.Err()
		case errors.Is(tryErr, context.DeadlineExceeded):
		case tryErr != nil:
			return netip.Addr{}, fmt.Errorf("probing for the router behind %s: %w", r.Gateway, tryErr)
		case a.refused != "":
			return netip.Addr{}, RefusedError{From: a.from, Reason: a.refused}
		case a.from == r.Gateway || a.from == r.Local || !canBeGateway(a.from):
			// A gateway that counts itself twice, or somebody who makes things up.
			err = fmt.Errorf("%w: the answer came from %s", ErrNoSecondHop, a.from)
		default:
			return a.from, nil
		}
	}
	return netip.Addr{}, err
}

func try(ctx context.Context, r Route, probe probeFunc) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	return probe(ctx, r, probeTarget)
}

// unreachable names a code of ICMP's destination unreachable (RFC 792, RFC 1812 section 5.2.7.1).
func unreachable(code uint8) string {
	switch code {
	case 0:
		return "network unreachable"
	case 1:
		return "host unreachable"
	case 2:
		return "protocol unreachable"
	case 3:
		return "port unreachable"
	case 9, 10, 13:
		return "prohibited by a filter"
	}
	return fmt.Sprintf("unreachable (code %d)", code)
}
