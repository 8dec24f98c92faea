package simhome

import (
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// pmpReply is what a NAT-PMP or PCP server knows when it has decided; wire and memory put it into
// their own form.
type pmpReply struct {
	code  int
	epoch uint32
	grant
}

// pmpAddress answers NAT-PMP's question for the outer address (RFC 6886 section 3.2).
func (h *Home) pmpAddress() pmpReply {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := pmpReply{epoch: h.epoch(), grant: grant{outer: netip.IPv4Unspecified()}}
	if h.faults.NoOuter || h.wanDown {
		r.code = pmpNetworkFailure
		return r
	}
	r.outer = h.outer
	return r
}

// pmpMap answers a NAT-PMP mapping request (RFC 6886 section 3.3); a lease of 0 deletes (section 3.4).
func (h *Home) pmpMap(t portmap.Transport, internal netip.AddrPort, external uint16, lease time.Duration) pmpReply {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := pmpReply{epoch: h.epoch()}
	switch {
	case lease == 0 && internal.Port() == 0:
		h.removeAll(t, internal.Addr())
		return r
	case lease == 0:
		r.code = h.removeInternal(portmap.NATPMP, t, internal, portmap.Nonce{}).pmp()
		return r
	case internal.Port() == 0:
		r.code = pmpNotAuthorized
		return r
	}
	if r.code = h.faults.Codes.PMP; r.code != 0 {
		return r
	}
	g, why := h.add(ask{
		protocol: portmap.NATPMP, from: internal.Addr(), transport: t, internal: internal,
		external: external, lease: lease, description: "NAT-PMP",
	})
	r.grant, r.code = g, why.pmp()
	return r
}

// pcpEpoch answers PCP's ANNOUNCE (RFC 6887 section 14.1).
func (h *Home) pcpEpoch() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.epoch()
}

// pcpMap answers a PCP MAP request (RFC 6887 section 11.3); a lease of 0 deletes.
func (h *Home) pcpMap(a ask) pmpReply {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := pmpReply{epoch: h.epoch()}
	if a.internal.Addr() != a.from { // RFC 6887 section 8.3: there is a NAT in between
		r.code = pcpAddressMismatch
		return r
	}
	a.protocol, a.description = portmap.PCP, "PCP"
	if a.lease == 0 {
		r.code = h.removeInternal(portmap.PCP, a.transport, a.internal, a.nonce).pcp()
		return r
	}
	if r.code = h.faults.Codes.PCP; r.code != 0 {
		return r
	}
	g, why := h.add(a)
	r.grant, r.code = g, why.pcp()
	return r
}
