package route

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// Read looks at the system's tables and chooses the way out.
//
// The tables are read from the system itself: a netlink dump on Linux, GetIpForwardTable2 and
// GetAdaptersAddresses on Windows. Only where that fails, or lists no route of any kind, the
// gateways of CrossCheck are taken instead. No packet is sent.
//
// The error wraps ErrNoGateway, ErrOnlyTunnel, ErrNoLocal or ErrOverride when the tables were read
// and hold no way out: that is knowledge, and Candidates tells more. Any other error means that they
// could not be read.
func Read(ctx context.Context, o Override) (Report, error) {
	return read(ctx, o, readTables, fallbackTables)
}

// read is Read with its two ways of reading. The second one's word that there is nothing does not
// count: it is not known whether it can read what the first one could not.
func read(ctx context.Context, o Override, first func(all bool) (tables, error), second func(context.Context) (tables, error)) (Report, error) {
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	o.Gateway = o.Gateway.Unmap()
	t, err := first(o != Override{})
	if err != nil || t.rows == 0 {
		if other, otherErr := second(ctx); otherErr == nil && len(other.hops) > 0 {
			t, err = other, nil
		}
	}
	if err != nil {
		return Report{}, fmt.Errorf("reading the system's routes: %w", err)
	}
	return choose(t, o, sourceToward)
}

// HardwareAddr is the MAC address of gateway on the interface with that number, as
// "aa:bb:cc:dd:ee:ff", from the system's neighbour table. It sends nothing: ok is false while the
// system has not talked to the gateway yet, or no longer counts on what it knew. Index 0 stands for
// any interface.
func HardwareAddr(gateway netip.Addr, index int) (mac string, ok bool) {
	hw, err := neighbour(gateway.Unmap(), index)
	if err != nil {
		return "", false
	}
	return macOf(hw)
}

// macOf writes an Ethernet or Wi-Fi address. Tunnels have addresses of other lengths, or none.
func macOf(hw []byte) (string, bool) {
	if len(hw) != 6 || [6]byte(hw) == [6]byte{} {
		return "", false
	}
	return net.HardwareAddr(hw).String(), true
}
