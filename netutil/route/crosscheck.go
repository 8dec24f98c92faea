package route

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/jackpal/gateway"
)

// crossCheckLimit bounds a CrossCheck: on Windows it runs a program, which nobody promises to end.
const crossCheckLimit = 5 * time.Second

// CrossCheck lists the default gateways as github.com/jackpal/gateway sees them, by means other than
// Read's own: /proc/net/route on Linux, the text of `route print` on Windows. It knows nothing of
// tunnels and interfaces. An empty list without an error means that there is none. It gives up
// after 5 s.
func CrossCheck(ctx context.Context) ([]netip.Addr, error) {
	return crossCheck(ctx, gateway.DiscoverGateways)
}

func crossCheck(ctx context.Context, discover func() ([]net.IP, error)) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, crossCheckLimit)
	defer cancel()
	type answer struct {
		list []net.IP
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			// It parses text that differs with Windows' language, and has panicked on it (syncthing#10593).
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("gateway discovery panicked: %v", p)}
			}
			answers <- a
		}()
		a.list, a.err = discover()
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("gateway discovery: %w", ctx.Err())
	case a := <-answers:
		var none *gateway.ErrNoGateway
		if errors.As(a.err, &none) {
			return nil, nil
		}
		return cleanGateways(a.list), a.err
	}
}

// cleanGateways drops what is not a gateway, above all the 0.0.0.0 of a default route into a tunnel
// (dialling it reaches this PC itself), and what is there twice.
func cleanGateways(list []net.IP) []netip.Addr {
	var clean []netip.Addr
	for _, ip := range list {
		a, _ := netip.AddrFromSlice(ip)
		if a = a.Unmap(); canBeGateway(a) && !slices.Contains(clean, a) {
			clean = append(clean, a)
		}
	}
	return clean
}

// fallbackTables makes tables of CrossCheck and package net, for systems whose own tables we cannot
// read.
func fallbackTables(ctx context.Context) (tables, error) {
	gateways, err := CrossCheck(ctx)
	if err != nil {
		return tables{}, err
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return tables{}, err
	}
	t := tables{links: make(map[int]link, len(interfaces)), rows: len(gateways)}
	for _, i := range interfaces {
		t.links[i.Index] = linkOf(i)
	}
	for _, g := range gateways {
		for _, index := range t.indexes() {
			if len(t.links[index].facing(g)) > 0 {
				t.hops = append(t.hops, hop{gateway: g, index: index})
			}
		}
	}
	return t, nil
}

// linkOf turns package net's view of an interface into ours.
func linkOf(i net.Interface) link {
	l := link{
		index: i.Index, name: i.Name,
		tunnel:   i.Flags&net.FlagPointToPoint != 0,
		loopback: i.Flags&net.FlagLoopback != 0,
		up:       i.Flags&net.FlagUp != 0,
		running:  i.Flags&net.FlagRunning != 0,
	}
	addrs, err := i.Addrs()
	if err != nil {
		return l // gone in the meantime
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.To4() == nil {
			continue
		}
		local, _ := netip.AddrFromSlice(n.IP.To4())
		bits, _ := n.Mask.Size()
		l.addrs = append(l.addrs, address{local: local, prefix: netip.PrefixFrom(local, bits).Masked()})
	}
	return l
}
