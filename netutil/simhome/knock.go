package simhome

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// ErrNotDelivered means that a stranger's packet did not reach this PC.
var ErrNotDelivered = errors.New("the packet does not reach this PC")

// Knock sends a stranger's packet to the public address and waits until ctx ends for the answer of
// whoever it reaches inside. The packet really travels: over loopback to this PC's own port.
//
// ErrNotDelivered: it did not come in, or it ended at a host that is not this PC.
func (s *Servers) Knock(ctx context.Context, t portmap.Transport, external uint16, payload []byte) (reply []byte, err error) {
	to, ok := s.home.Deliver(t, external)
	if !ok {
		return nil, fmt.Errorf("%w: nothing forwards %s port %d", ErrNotDelivered, t, external)
	}
	if to.Addr() != s.home.Self() {
		return nil, fmt.Errorf("%w: %s port %d leads to %s", ErrNotDelivered, t, external, to)
	}
	return exchange(ctx, string(t), netip.AddrPortFrom(loopback, to.Port()), payload)
}

func exchange(ctx context.Context, network string, to netip.AddrPort, payload []byte) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, to.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(payload); err != nil {
		return nil, err
	}
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("no answer from %s: %w", to, err)
	}
	return buf[:n], nil
}
