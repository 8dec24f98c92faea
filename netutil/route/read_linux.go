package route

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// readTables reads the IPv4 default routes, and the interfaces and addresses that belong to them: all
// interfaces if all is set.
func readTables(all bool) (tables, error) {
	k, err := openKernel()
	if err != nil {
		return tables{}, err
	}
	defer k.close()
	var t tables
	if err := k.readRoutes(&t); err != nil {
		return tables{}, err
	}
	if err := k.readLinks(&t, all); err != nil {
		return tables{}, err
	}
	if err := k.readAddresses(&t); err != nil {
		return tables{}, err
	}
	return t, nil
}

func (k *kernel) readRoutes(t *tables) error {
	request := make([]byte, unix.SizeofRtMsg)
	request[0] = unix.AF_INET
	return k.dump(unix.RTM_GETROUTE, request, func() { *t = tables{} }, t.addRoute)
}

func (t *tables) addRoute(m message) {
	if m.kind != unix.RTM_NEWROUTE {
		return
	}
	t.rows++
	if len(t.hops) < maxHops {
		t.hops = append(t.hops, parseRoute(m.body)...)
	}
}

func (k *kernel) readLinks(t *tables, all bool) error {
	t.links = make(map[int]link)
	if all {
		return k.dump(unix.RTM_GETLINK, linkRequest(0), func() { clear(t.links) }, t.addLink)
	}
	for _, h := range t.hops {
		if _, known := t.links[h.index]; known || h.index == 0 {
			continue
		}
		err := k.ask(unix.RTM_GETLINK, 0, linkRequest(h.index), t.addLink)
		if err != nil && !errors.Is(err, unix.ENODEV) { // ENODEV: gone since the routes were read
			return err
		}
	}
	return nil
}

func (t *tables) addLink(m message) {
	if m.kind != unix.RTM_NEWLINK {
		return
	}
	if l, ok := parseLink(m.body); ok {
		t.links[l.index] = l
	}
}

// skipStatistics is RTEXT_FILTER_SKIP_STATS of rtnetlink.h: counters are most of a link's message.
const skipStatistics = 8

// linkRequest asks for one interface, or for all of them in a dump if index is 0.
func linkRequest(index int) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	mask := binary.NativeEndian.AppendUint32(nil, skipStatistics)
	return appendAttribute(b, unix.IFLA_EXT_MASK, mask)
}

func (k *kernel) readAddresses(t *tables) error {
	if len(t.links) == 0 {
		return nil
	}
	request := make([]byte, unix.SizeofIfAddrmsg)
	request[0] = unix.AF_INET
	return k.dump(unix.RTM_GETADDR, request, t.dropAddresses, t.addAddress)
}

// addAddress keeps an address if its interface is one of those that were read.
func (t *tables) addAddress(m message) {
	if m.kind != unix.RTM_NEWADDR {
		return
	}
	index, a, ok := parseAddress(m.body)
	if l, wanted := t.links[index]; ok && wanted {
		l.addrs = append(l.addrs, a)
		t.links[index] = l
	}
}

func (t *tables) dropAddresses() {
	for index, l := range t.links {
		l.addrs = nil
		t.links[index] = l
	}
}

// neighbour looks gateway up in the kernel's neighbour table.
func neighbour(gateway netip.Addr, index int) ([]byte, error) {
	k, err := openKernel()
	if err != nil {
		return nil, err
	}
	defer k.close()
	request := make([]byte, unix.SizeofNdMsg)
	request[0] = unix.AF_INET
	var found []byte
	err = k.dump(unix.RTM_GETNEIGH, request, func() { found = nil }, func(m message) {
		if m.kind != unix.RTM_NEWNEIGH {
			return
		}
		at, ip, hw := parseNeighbour(m.body)
		if ip.IsValid() && ip == gateway && (index == 0 || at == index) {
			found = hw
		}
	})
	return found, err
}
