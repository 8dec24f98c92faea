package simhome

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

type memoryUPnP struct {
	memory
	device portmap.Device
	moves  int // the state of the router's URLs when this client learned them
}

var (
	errReset   = errors.New("connection reset by peer")
	errClosed  = errors.New("connection refused")
	errMissing = errors.New("HTTP 404")
)

func (c *memoryUPnP) Device() portmap.Device { return c.device }

// call makes one HTTP request. do is the router's part.
func (c *memoryUPnP) call(ctx context.Context, op Op, do func()) error {
	fate, slow, leave := c.home.arrive(portmap.UPnP, op, c.from)
	defer leave()
	took := answerTime
	switch {
	case fate == dropped:
		took = httpPatience
	case fate == answered && c.moves == c.home.upnpMoves():
		do()
		took = min(answerTime+slow, httpPatience)
	}
	if err := wait(ctx, took); err != nil {
		return c.wrap(err)
	}
	switch {
	case took == httpPatience:
		return c.wrap(fmt.Errorf("%w: nothing within %v", portmap.ErrGone, httpPatience))
	case fate == refused:
		return c.wrap(fmt.Errorf("%w: %w", portmap.ErrGone, errClosed))
	case fate == reset:
		return c.wrap(fmt.Errorf("%w: %w", portmap.ErrGone, errReset))
	case c.moves != c.home.upnpMoves():
		return c.wrap(fmt.Errorf("%w: %w", portmap.ErrGone, errMissing))
	}
	return nil
}

func (c *memoryUPnP) External(ctx context.Context) (portmap.Outer, error) {
	var told string
	if err := c.call(ctx, OpAddress, func() { told = c.home.upnpAddress() }); err != nil {
		return portmap.Outer{}, err
	}
	a, err := netip.ParseAddr(told)
	if err != nil {
		return portmap.Outer{}, nil
	}
	return portmap.Outer{Addr: known(a)}, nil
}

func (c *memoryUPnP) Lookup(ctx context.Context, t portmap.Transport, external uint16) (portmap.Entry, error) {
	var e upnpEntry
	var code int
	if err := c.call(ctx, OpRead, func() { e, code = c.home.upnpRead(key{t, external}) }); err != nil {
		return portmap.Entry{}, err
	}
	switch code {
	case 0:
		left, _ := strconv.ParseInt(e.lease, 10, 64)
		return portmap.Entry{
			Internal: e.internal, Enabled: e.enabled == "1", Description: e.description,
			Lease: time.Duration(left) * time.Second,
		}, nil
	case upnpNoSuchEntry:
		return portmap.Entry{}, fmt.Errorf("%w: %w", portmap.ErrNoEntry, c.refusal(code))
	}
	return portmap.Entry{}, c.refusal(code)
}

// Map tries the leases that portmap's client tries: the one asked for, a permanent one after 725, 402
// or 501, a week after 402.
func (c *memoryUPnP) Map(ctx context.Context, r portmap.Request) (portmap.Mapping, error) {
	const week = 7 * 24 * time.Hour
	leases := []time.Duration{min(r.Lease, week), 0, week}
	if c.device.Permanent {
		leases = []time.Duration{0, min(r.Lease, week), week}
	}
	var first error
	last, all402 := 0, true
	for i, lease := range leases {
		if i > 0 && (lease == leases[i-1] || !otherLease(last, lease)) {
			break
		}
		asked := c.home.now().Round(0)
		code, err := c.add(ctx, r, lease)
		if err != nil {
			return portmap.Mapping{}, err
		}
		if code == 0 {
			c.device.Permanent = lease == 0 && (c.device.Permanent || last == upnpOnlyPermanent || last == upnpInvalidArgs)
			m := c.granted(r, netip.Addr{}, grant{external: r.External, lease: lease})
			m.Granted = asked
			return m, nil
		}
		if no := c.refusal(code); first == nil || tellsMore(last, code) {
			first = no
		}
		last, all402 = code, all402 && code == upnpInvalidArgs
		if all402 && i == len(leases)-1 { // no lease will do, so it is not about the lease
			no := c.home.refusal(portmap.UPnP, code)
			no.Kind = portmap.Full
			first = no
		}
	}
	return portmap.Mapping{}, first
}

// otherLease says whether it is worth while to ask for another lease after a refusal.
func otherLease(code int, next time.Duration) bool {
	switch code {
	case upnpInvalidArgs:
		return true
	case upnpOnlyPermanent, upnpActionFailed:
		return next == 0
	}
	return false
}

// tellsMore says whether a second refusal is the better reason.
func tellsMore(last, code int) bool {
	switch upnpKind(code) {
	case portmap.Conflict, portmap.Denied, portmap.Full:
		return true
	}
	return last == upnpOnlyPermanent || last == upnpInvalidArgs
}

func (c *memoryUPnP) add(ctx context.Context, r portmap.Request, lease time.Duration) (code int, err error) {
	err = c.call(ctx, OpMap, func() {
		_, code = c.home.upnpAdd(ask{
			from: c.from, transport: r.Transport, internal: r.Internal, external: r.External,
			lease: lease.Truncate(time.Second), description: portmap.Description, exact: true,
		})
	})
	return code, err
}

func (c *memoryUPnP) Unmap(ctx context.Context, m portmap.Mapping) error {
	var code int
	err := c.call(ctx, OpUnmap, func() {
		code = c.home.upnpDelete(c.from, key{m.Transport, m.External.Port()})
	})
	if err != nil {
		return err
	}
	if code != 0 && code != upnpNoSuchEntry {
		return c.refusal(code)
	}
	return nil
}
