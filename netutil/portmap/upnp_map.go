package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

const (
	permanent = time.Duration(0)
	// week is the longest lease of WANIPConnection:2, and what some routers want instead of 0
	// (n0-computer/net-tools#52).
	week = 604800 * time.Second
)

// Map adds or renews an entry (AddPortMapping, WANIPConnection:1 section 2.4.16).
//
// Some routers take only permanent entries (725), and some say so in other words: 402, 501, or an
// HTTP 500 without a code. Map then asks again with lease 0, and after 402 with a week: three
// requests at most. 402 to all of them is Full, since it is about no lease then: routers with a full
// table say so (miniupnp#92, qBittorrent#19586). That only permanent entries are taken is remembered for the next time and told
// by Device. The granted lease is the one that was accepted: UPnP does not tell another, and the
// router may keep it shorter.
//
// A conflict (718) is only reported; nothing is deleted. The outer address is not asked for.
func (c *upnpClient) Map(ctx context.Context, r Request) (Mapping, error) {
	if err := checkRequest(r); err != nil {
		return Mapping{}, err
	}
	ladder := newLeaseLadder(min(r.Lease, week), c.device.Permanent)
	for {
		lease := ladder.lease
		asked := time.Now().Round(0) // before the request: a lease that ends early is renewed in time
		err := c.add(ctx, r, lease)
		if err == nil {
			c.device.Permanent = c.device.Permanent && lease == permanent || ladder.onlyPermanent
			return Mapping{
				Protocol:  UPnP,
				Gateway:   c.Gateway(),
				Transport: r.Transport,
				Internal:  r.Internal,
				External:  netip.AddrPortFrom(netip.Addr{}, r.External),
				Lease:     lease,
				Granted:   asked,
			}, nil
		}
		if !ladder.next(err) {
			return Mapping{}, ladder.reason
		}
	}
}

func (c *upnpClient) add(ctx context.Context, r Request, lease time.Duration) error {
	key := keyOf(r.Transport, r.External)
	return c.service.call(ctx, "AddPortMapping", &newEntry{
		NewExternalPort:           key.NewExternalPort,
		NewProtocol:               key.NewProtocol,
		NewInternalPort:           strconv.Itoa(int(r.Internal.Port())),
		NewInternalClient:         r.Internal.Addr().String(),
		NewEnabled:                "1",
		NewPortMappingDescription: Description,
		NewLeaseDuration:          strconv.FormatInt(int64(lease/time.Second), 10),
	}, nil)
}

// checkRequest refuses what UPnP would take to mean something else: external port 0 is every port.
func checkRequest(r Request) error {
	switch {
	case r.Transport != UDP && r.Transport != TCP:
		return fmt.Errorf("transport %q cannot be mapped, only %s and %s", r.Transport, UDP, TCP)
	case !r.Internal.Addr().Is4() || r.Internal.Port() == 0:
		return fmt.Errorf("%v is not an IPv4 address and port that can be mapped to", r.Internal)
	case r.External == 0:
		return errors.New("external port 0 would map every port")
	case r.Lease < 0 || r.Lease%time.Second != 0:
		return fmt.Errorf("a lease of %v is not a number of whole seconds", r.Lease)
	}
	return nil
}

// leaseLadder is the order in which leases are tried. Each is tried once.
type leaseLadder struct {
	lease         time.Duration   // to ask for now
	left          []time.Duration // to try after it
	reason        error           // the refusal that tells most
	onlyPermanent bool            // the router refused a lease because it ends
	another       bool            // some refusal was not 402
}

func newLeaseLadder(asked time.Duration, onlyPermanent bool) *leaseLadder {
	order := []time.Duration{asked, permanent, week}
	if onlyPermanent {
		order = []time.Duration{permanent, asked, week}
	}
	l := &leaseLadder{lease: order[0]}
	for _, d := range order[1:] {
		if d != l.lease && (len(l.left) == 0 || d != l.left[0]) {
			l.left = append(l.left, d)
		}
	}
	return l
}

// next takes a refusal and reports whether another lease is worth a try.
func (l *leaseLadder) next(err error) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		l.reason = err // no answer, or none that can be read: the entry may be there
		return false
	}
	guessed := l.reason != nil && !aboutLease(l.reason)
	if !guessed || refusal.Kind == Conflict || refusal.Kind == Denied || refusal.Kind == Full {
		l.reason = err
	}
	l.another = l.another || refusal.Code != 402
	if len(l.left) == 0 && !l.another {
		full := *refusal
		full.Kind = Full
		l.reason = fmt.Errorf("AddPortMapping: %w", &full)
	}
	if guessed || len(l.left) == 0 {
		return false
	}
	untried := l.left[0] == permanent
	switch {
	case refusal.Code == 402:
		l.onlyPermanent = untried
	case refusal.Code == 725 && untried:
		l.onlyPermanent = true
		l.left = l.left[:1] // anything that ends is refused
	case (refusal.Code == 501 || refusal.Code == http.StatusInternalServerError) && untried:
		// It may be about the lease, and it may be that the outer side is down: one guess.
	default:
		return false
	}
	l.lease, l.left = l.left[0], l.left[1:]
	return true
}

// aboutLease reports whether a refusal is about the lease, so that what follows it tells more.
func aboutLease(err error) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return ok && (refusal.Code == 725 || refusal.Code == 402)
}
