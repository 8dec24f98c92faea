package simhome

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Search runs a search of portmap's over the real sockets, for who lives in the home: its addresses
// (gateway 192.168.1.1, this PC 192.168.1.23) go in and come out, loopback is not to be seen.
// The clients that it hands out translate in the same way. Only the gateway of the home answers.
func (s *Servers) Search(ctx context.Context, search portmap.Search, answered func(portmap.Answer)) {
	if search.Gateway == s.home.Gateway() {
		search.Gateway, search.Ports = s.Gateway, s.Ports
	} else {
		search.Gateway, search.Ports = loopback, portmap.Ports{PMP: deadPort, SSDP: deadPort}
	}
	search.Local, search.Interface = loopback, 0
	search.Run(ctx, func(a portmap.Answer) {
		if a.Client != nil {
			a.Client = &resident{Client: a.Client, home: s.home}
		}
		answered(a)
	})
}

// deadPort is one where nobody listens (discard, RFC 863).
const deadPort = 9

// resident is a client on loopback that speaks of the home's addresses.
type resident struct {
	portmap.Client
	home *Home
}

func (r *resident) Gateway() netip.Addr { return r.home.Gateway() }

func (r *resident) Lookup(ctx context.Context, t portmap.Transport, external uint16) (portmap.Entry, error) {
	e, err := r.Client.Lookup(ctx, t, external)
	if err == nil {
		e.Internal = netip.AddrPortFrom(r.home.onLAN(e.Internal.Addr()), e.Internal.Port())
	}
	return e, err
}

func (r *resident) Map(ctx context.Context, request portmap.Request) (portmap.Mapping, error) {
	asked := request.Internal
	if self := r.home.Self(); asked.Addr() != self {
		return portmap.Mapping{}, fmt.Errorf("cannot map to %s from %s", asked, self)
	}
	request.Internal = netip.AddrPortFrom(loopback, asked.Port())
	m, err := r.Client.Map(ctx, request)
	if err == nil {
		m.Gateway, m.Internal = r.home.Gateway(), asked
	}
	return m, err
}

func (r *resident) Unmap(ctx context.Context, m portmap.Mapping) error {
	m.Gateway, m.Internal = loopback, netip.AddrPortFrom(loopback, m.Internal.Port())
	return r.Client.Unmap(ctx, m)
}
