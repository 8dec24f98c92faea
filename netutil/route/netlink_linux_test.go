package route

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// routeBody makes the body of a route message.
func routeBody(bits, tos, table, kind byte, flags uint32, attrs ...[]byte) []byte {
	b := []byte{unix.AF_INET, bits, 0, tos, table, 0, 0, kind}
	b = binary.NativeEndian.AppendUint32(b, flags)
	for _, a := range attrs {
		b = append(b, a...)
	}
	return b
}

func attribute(kind uint16, value ...byte) []byte { return appendAttribute(nil, kind, value) }

func attribute32(kind uint16, value uint32) []byte {
	return appendAttribute(nil, kind, binary.NativeEndian.AppendUint32(nil, value))
}

func TestParseRouteKinds(t *testing.T) {
	gateway, oif := attribute(unix.RTA_GATEWAY, 192, 168, 1, 1), attribute32(unix.RTA_OIF, 2)
	plain := hop{gateway: netip.MustParseAddr(ethGateway), index: 2}
	const main, unicast = unix.RT_TABLE_MAIN, unix.RTN_UNICAST
	for _, c := range []struct {
		name string
		body []byte
		want []hop
	}{
		{"plain", routeBody(0, 0, main, unicast, 0, gateway, oif), []hop{plain}},
		{"table default", routeBody(0, 0, unix.RT_TABLE_DEFAULT, unicast, 0, gateway, oif), []hop{plain}},
		{"table beyond a byte", routeBody(0, 0, unix.RT_TABLE_COMPAT, unicast, 0, gateway, oif, attribute32(unix.RTA_TABLE, 1000)),
			[]hop{with(plain, func(h *hop) { h.table = 1000 })}},
		{"link down", routeBody(0, 0, main, unicast, unix.RTNH_F_LINKDOWN, gateway, oif), []hop{with(plain, func(h *hop) { h.dead = true })}},
		{"blackhole", routeBody(0, 0, main, unix.RTN_BLACKHOLE, 0), []hop{{refuses: true}}},
		{"IPv6 next hop", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_VIA, make([]byte, 18)...), oif), []hop{{index: 2}}},
		{"network", routeBody(24, 0, main, unicast, 0, oif), nil},
		{"class of service", routeBody(0, 8, main, unicast, 0, gateway, oif), nil},
		{"cached", routeBody(0, 0, main, unicast, unix.RTM_F_CLONED, gateway, oif), nil},
		{"local", routeBody(0, 0, main, unix.RTN_LOCAL, 0, oif), nil},
		{"IPv6", append([]byte{unix.AF_INET6}, routeBody(0, 0, main, unicast, 0)[1:]...), nil},
		{"short", routeBody(0, 0, main, unicast, 0)[:unix.SizeofRtMsg-1], nil},
		{"empty", nil, nil},
		{"gateway of the wrong size", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_GATEWAY, 1, 2, 3), oif), []hop{{index: 2}}},
		{"next hop longer than its attribute", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_MULTIPATH, 99, 0, 0, 0, 2, 0, 0, 0)), nil},
		{"next hop of no length", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_MULTIPATH, make([]byte, 64)...)), nil},
	} {
		if got := parseRoute(c.body); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestMessageEnds(t *testing.T) {
	code := func(kind uint16, n int32) message {
		return message{kind: kind, body: binary.NativeEndian.AppendUint32(nil, uint32(n))}
	}
	for _, c := range []struct {
		m    message
		done bool
		err  error
	}{
		{message{kind: unix.RTM_NEWROUTE}, false, nil},
		{code(unix.NLMSG_DONE, 0), true, nil},
		{code(unix.NLMSG_DONE, -int32(unix.EINVAL)), true, unix.EINVAL},
		{code(unix.NLMSG_ERROR, 0), true, nil},
		{code(unix.NLMSG_ERROR, -int32(unix.ENODEV)), true, unix.ENODEV},
		{message{kind: unix.NLMSG_ERROR}, true, nil},
	} {
		if done, err := c.m.ends(); done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, %v", c.m, done, err)
		}
	}
}

func TestMessagesEndAtNonsense(t *testing.T) {
	good := appendMessage(nil, message{kind: unix.RTM_NEWROUTE, body: []byte{1, 2, 3, 4, 5}})
	header := func(size uint32) []byte {
		return append(binary.NativeEndian.AppendUint32(nil, size), make([]byte, unix.SizeofNlMsghdr)...)
	}
	for _, nonsense := range [][]byte{nil, {1}, header(0), header(15), header(1 << 30), good[:18]} {
		n := 0
		for m := range messages(slices.Concat(good, nonsense)) {
			if n++; m.kind != unix.RTM_NEWROUTE || len(m.body) != 5 {
				t.Errorf("with %x behind it: %+v", nonsense, m)
			}
		}
		if n != 1 {
			t.Errorf("%d messages with %x behind the first, want 1", n, nonsense)
		}
	}
}

// FuzzNetlink feeds every parser and the change filter.
func FuzzNetlink(f *testing.F) {
	f.Add(appendMessage(nil, message{kind: unix.RTM_NEWROUTE, body: routeBody(0, 0, unix.RT_TABLE_MAIN, unix.RTN_UNICAST, 0,
		attribute(unix.RTA_MULTIPATH, 16, 0, 0, 0, 2, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1))}))
	f.Add(appendMessage(nil, message{kind: unix.RTM_NEWLINK, body: linkRequest(7)}))
	f.Add(appendMessage(nil, message{kind: unix.RTM_NEWADDR, body: append([]byte{unix.AF_INET, 24, 0, 0, 2, 0, 0, 0}, attribute(unix.IFA_LOCAL, 10, 0, 0, 1)...)}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		tables := tables{links: make(map[int]link)}
		total := 0
		for m := range messages(b) {
			total += unix.SizeofNlMsghdr + len(m.body)
			m.ends()
			for _, kind := range []uint16{m.kind, unix.RTM_NEWROUTE, unix.RTM_NEWLINK, unix.RTM_NEWADDR} {
				m.kind = kind
				tables.addRoute(m)
				tables.addLink(m)
				tables.addAddress(m)
			}
			parseNeighbour(m.body)
		}
		if total > len(b) || len(tables.hops) > 2*maxHops {
			t.Errorf("%d bytes gave messages of %d bytes and %d hops", len(b), total, len(tables.hops))
		}
		report, err := choose(tables, Override{}, func(netip.Addr) netip.Addr { return netip.Addr{} })
		if (err == nil) != report.Route.Valid() {
			t.Errorf("route %+v with error %v", report.Route, err)
		}
		new(changeFilter).matters(b)
	})
}
