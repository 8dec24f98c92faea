package simhome

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// damage is one way to break a home, and the diagnosis it leads to.
type damage struct {
	code string
	do   func(h *Home, port uint16)
}

// catalogue is in the order of the ladder.
var catalogue = [...]damage{
	{"no-router-answer", func(h *Home, _ uint16) {
		h.Configure(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Silent, Silent, Silent })
	}},
	{"double-nat", func(h *Home, _ uint16) { h.SetOuter(netip.AddrFrom4([4]byte{192, 168, 0, 10})) }},
	{"carrier-nat", func(h *Home, _ uint16) { h.SetOuter(netip.AddrFrom4([4]byte{100, 72, 19, 4})) }},
	{"public-address-differs", func(h *Home, _ uint16) { h.SetOuter(netip.AddrFrom4([4]byte{11, 77, 0, 66})) }},
	{"mapping-refused", func(h *Home, _ uint16) { h.Configure(func(f *Faults) { f.Deny = true }) }},
	{"port-taken", takePort},
	{"not-kept", func(h *Home, _ uint16) { // only UPnP reads entries back, so only it is left on
		h.Flush()
		h.Configure(func(f *Faults) { f.PCP, f.PMP, f.KeepsNothing = Off, Off, true })
	}},
	{"wrong-local-address", misdirect},
	{"not-forwarding", func(h *Home, _ uint16) { h.Configure(func(f *Faults) { f.NotForwarding = true }) }},
	{"other-external-port", func(h *Home, port uint16) {
		h.Take(neighbour(h), portmap.UDP, port)
		h.Configure(func(f *Faults) { f.OtherPort = true })
	}},
}

// takePort gives the port to another host, at a router that speaks UPnP only and forwards no port to
// another number: else the mapping would evade to the next port.
func takePort(h *Home, port uint16) {
	h.Configure(func(f *Faults) { f.PCP, f.PMP, f.SamePortOnly = Off, Off, true })
	h.Take(neighbour(h), portmap.UDP, port)
}

// misdirect lets the router store another host. Only UPnP reads entries back, so only it is left on.
func misdirect(h *Home, _ uint16) {
	h.Flush()
	other := neighbour(h)
	h.Configure(func(f *Faults) { f.PCP, f.PMP, f.StoredHost = Off, Off, other })
}

// neighbour is another host of the LAN.
func neighbour(h *Home) netip.Addr {
	ip := h.Gateway().As4()
	ip[3] = 50
	return netip.AddrFrom4(ip)
}

// Break brings about the fault that leads to a diagnosis, given by its code; Breakable lists them.
// It is about UDP and the home's Port. Faults of the PC are not the home's.
func Break(h *Home, code string) error {
	for _, d := range catalogue {
		if d.code == code {
			d.do(h, h.Port())
			return nil
		}
	}
	return fmt.Errorf("a home cannot be broken in the way %q, only by one of: %s", code, strings.Join(Breakable(), ", "))
}

// Breakable lists the codes that Break knows, in the order of the ladder.
func Breakable() []string {
	codes := make([]string, 0, len(catalogue))
	for _, d := range catalogue {
		codes = append(codes, d.code)
	}
	return codes
}
