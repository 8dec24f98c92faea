package simhome

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// The layout of RFC 6887 sections 7.1, 7.2 and 11.1.
const (
	pcpHeader     = 24
	pcpMapEnd     = pcpHeader + 36
	pcpOpAnnounce = 0
	pcpOpMap      = 1
)

// PCP options (RFC 6887 section 13). Codes from 128 on may be ignored by who does not know them.
const (
	pcpPreferFailure = 2
)

// answerPCP decides a PCP request.
func (h *Home) answerPCP(b []byte, from netip.Addr) []byte {
	epoch := h.pcpEpoch()
	op := b[1]
	switch {
	case b[0] != pcpVersion:
		return pcpError(op, pcpUnsuppVersion, epoch)
	case len(b) < pcpHeader || len(b)%4 != 0:
		return pcpError(op, pcpMalformed, epoch)
	case op == pcpOpAnnounce:
		return pcpAnswer(b[:pcpHeader], 0, 0, epoch)
	case op != pcpOpMap:
		return pcpAnswer(b, pcpUnsuppOpcode, pcpRetry(pcpUnsuppOpcode), epoch)
	case len(b) < pcpMapEnd:
		return pcpAnswer(b, pcpMalformed, pcpRetry(pcpMalformed), epoch)
	}
	a, code := h.readMap(b, from)
	if code != 0 {
		return pcpAnswer(b, code, pcpRetry(code), epoch)
	}
	r := h.pcpMap(a)
	if r.code != 0 {
		return pcpAnswer(b, r.code, pcpRetry(r.code), r.epoch)
	}
	out := pcpAnswer(b, 0, uint32(r.lease/time.Second), r.epoch)
	if a.lease != 0 {
		outer := ipv4(r.outer).As16()
		binary.BigEndian.PutUint16(out[pcpHeader+18:], r.external)
		copy(out[pcpHeader+20:], outer[:])
	}
	return out
}

// readMap reads a MAP request that is known to be long enough; code 0 if it can be decided.
func (h *Home) readMap(b []byte, from netip.Addr) (a ask, code int) {
	m := b[pcpHeader:]
	a = ask{
		from:     from,
		lease:    time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second,
		external: binary.BigEndian.Uint16(m[18:]),
		nonce:    portmap.Nonce(m[:12]),
	}
	client := h.onLAN(netip.AddrFrom16([16]byte(b[8:24])))
	a.internal = netip.AddrPortFrom(client, binary.BigEndian.Uint16(m[16:]))
	switch {
	case m[12] == 17:
		a.transport = portmap.UDP
	case m[12] == 6:
		a.transport = portmap.TCP
	default:
		return a, pcpUnsuppProtocol
	}
	if a.internal.Port() == 0 { // "all ports": no home router has that to give
		return a, pcpUnsuppProtocol
	}
	a.exact, code = readOptions(m[36:])
	return a, code
}

// readOptions looks for PREFER_FAILURE. What has to be understood and is not is an error.
func readOptions(b []byte) (preferFailure bool, code int) {
	for len(b) > 0 {
		if len(b) < 4 {
			return false, pcpMalformedOption
		}
		size := 4 + (int(binary.BigEndian.Uint16(b[2:]))+3)/4*4
		if size > len(b) {
			return false, pcpMalformedOption
		}
		switch {
		case b[0] == pcpPreferFailure:
			preferFailure = true
		case b[0] < 128:
			return false, pcpUnsuppOption
		}
		b = b[size:]
	}
	return preferFailure, 0
}

// pcpAnswer is the request turned into an answer: PCP copies what it does not change.
func pcpAnswer(request []byte, code int, lifetime, epoch uint32) []byte {
	out := append([]byte(nil), request...)
	out[1] |= replyBit
	out[2], out[3] = 0, byte(code)
	binary.BigEndian.PutUint32(out[4:], lifetime)
	binary.BigEndian.PutUint32(out[8:], epoch)
	clear(out[12:pcpHeader])
	return out
}

// pcpError answers what is too short or too strange to be copied.
func pcpError(op byte, code int, epoch uint32) []byte {
	head := make([]byte, pcpHeader)
	head[0], head[1] = pcpVersion, op
	return pcpAnswer(head, code, pcpRetry(code), epoch)
}

// PCP is the announcement as PCP sends it to 224.0.0.1:5350 (RFC 6887 section 14.1.3).
func (a Announcement) PCP() []byte {
	head := make([]byte, pcpHeader)
	head[0], head[1] = pcpVersion, pcpOpAnnounce
	return pcpAnswer(head, 0, 0, a.Epoch)
}
