package simhome

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// loopback stands for this PC on the wire: all servers listen there, and whoever asks from there is
// Self. Other LAN hosts can ask from other addresses of 127.0.0.0/8, which stay what they are.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// onLAN translates an address from the wire into one of the home.
func (h *Home) onLAN(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a == loopback {
		return h.Self()
	}
	return a
}

// onWire is the way back.
func (h *Home) onWire(a netip.Addr) netip.Addr {
	if a == h.Self() {
		return loopback
	}
	return a
}

const (
	pmpVersion = 0
	pcpVersion = 2
	replyBit   = 0x80
)

// sortDatagram tells what a packet to the common port of PCP and NAT-PMP is about; false for what
// no server answers (RFC 6886 section 3.5, RFC 6887 section 8.2).
func sortDatagram(b []byte) (portmap.Protocol, Op, bool) {
	if len(b) < 2 || len(b) > 1100 || b[1]&replyBit != 0 {
		return "", "", false
	}
	if b[0] == pmpVersion {
		return portmap.NATPMP, sortPMP(b), true
	}
	return portmap.PCP, sortPCP(b), true
}

func sortPMP(b []byte) Op {
	switch {
	case b[1] == 0:
		return OpAddress
	case b[1] > 2 || len(b) < 12:
		return OpUnknown
	case binary.BigEndian.Uint32(b[8:]) == 0:
		return OpUnmap
	}
	return OpMap
}

func sortPCP(b []byte) Op {
	switch {
	case b[0] != pcpVersion || len(b) < pcpHeader:
		return OpUnknown
	case b[1] == pcpOpAnnounce:
		return OpAnnounce
	case b[1] != pcpOpMap:
		return OpUnknown
	case binary.BigEndian.Uint32(b[4:]) == 0:
		return OpUnmap
	}
	return OpMap
}

// wrongVersion answers a request in a version that is switched off, if the other one is there to do
// it; nil if it is not.
func (h *Home) wrongVersion(b []byte) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b[0] == pmpVersion && h.reach(portmap.PCP) == answered {
		return pcpError(b[1], pcpUnsuppVersion, h.epoch())
	}
	if b[0] != pmpVersion && h.reach(portmap.NATPMP) == answered {
		return pmpHead(b[1], pmpUnsupportedVersion, h.epoch())
	}
	return nil
}

// answerDatagram decides a request that has arrived. from is a LAN address.
func (h *Home) answerDatagram(b []byte, from netip.Addr) []byte {
	if b[0] == pmpVersion {
		return h.answerPMP(b, from)
	}
	return h.answerPCP(b, from)
}

// answerPMP decides a NAT-PMP request; nil = no answer.
func (h *Home) answerPMP(b []byte, from netip.Addr) []byte {
	op := b[1]
	if op == 0 {
		r := h.pmpAddress()
		ip := ipv4(r.outer).As4()
		return append(pmpHead(op, r.code, r.epoch), ip[:]...)
	}
	if op > 2 {
		return pmpHead(op, pmpUnsupportedOpcode, h.pcpEpoch())
	}
	if len(b) < 12 {
		return nil
	}
	internal := binary.BigEndian.Uint16(b[4:])
	lease := time.Duration(binary.BigEndian.Uint32(b[8:])) * time.Second
	r := h.pmpMap(pmpTransport(op), netip.AddrPortFrom(from, internal), binary.BigEndian.Uint16(b[6:]), lease)
	out := pmpHead(op, r.code, r.epoch)
	out = binary.BigEndian.AppendUint16(out, internal)
	out = binary.BigEndian.AppendUint16(out, r.external)
	return binary.BigEndian.AppendUint32(out, uint32(r.lease/time.Second))
}

func pmpTransport(op byte) portmap.Transport {
	if op == 2 {
		return portmap.TCP
	}
	return portmap.UDP
}

// pmpHead is the first eight bytes of every NAT-PMP answer (RFC 6886 section 3.5).
func pmpHead(op byte, code int, epoch uint32) []byte {
	out := []byte{pmpVersion, op | replyBit, byte(code >> 8), byte(code)}
	return binary.BigEndian.AppendUint32(out, epoch)
}

// PMP is the announcement as NAT-PMP sends it to 224.0.0.1:5350 (RFC 6886 section 3.2.1).
func (a Announcement) PMP() []byte {
	ip := ipv4(a.Outer).As4()
	return append(pmpHead(0, 0, a.Epoch), ip[:]...)
}
