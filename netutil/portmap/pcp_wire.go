package portmap

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// The layout of RFC 6887 sections 7.1, 7.2, 11.1 and 13.2; all numbers are big-endian.
const (
	pcpVersion   = 2
	pcpHeaderLen = 24
	pcpMapLen    = pcpHeaderLen + 36
	pcpReplyBit  = 0x80

	pcpAnnounce = 0
	pcpMap      = 1

	pcpPreferFailure = 2 // option: rather refuse than give another external port
)

// The result codes of RFC 6887 section 7.4 that something here depends on.
const (
	pcpSuccess         = 0
	pcpUnsuppVersion   = 1
	pcpUnsuppOpcode    = 4
	pcpUnsuppOption    = 5
	pcpMalformedOption = 6
	pcpNoResources     = 8
)

// pcpMapping is the part of a MAP message that requests and replies have in common.
type pcpMapping struct {
	nonce    Nonce
	protocol uint8 // IANA protocol number
	internal uint16
	external netip.AddrPort // suggested in a request, assigned in a reply
}

// pcpReply is one decoded reply.
type pcpReply struct {
	opcode   uint8
	result   uint8
	lifetime uint32 // seconds; of a refusal: how long it will hold
	epoch    uint32
	hasMap   bool // mapping was there
	mapping  pcpMapping
}

func pcpProtocol(t Transport) uint8 {
	if t == TCP {
		return 6
	}
	return 17
}

func appendPCPHeader(b []byte, opcode uint8, lifetime uint32, client netip.Addr) []byte {
	b = append(b, pcpVersion, opcode, 0, 0)
	b = binary.BigEndian.AppendUint32(b, lifetime)
	ip := client.As16() // IPv4 addresses travel IPv4-mapped (RFC 6887 section 5)
	return append(b, ip[:]...)
}

func appendPCPMap(b []byte, m pcpMapping) []byte {
	b = append(b, m.nonce[:]...)
	b = append(b, m.protocol, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, m.internal)
	b = binary.BigEndian.AppendUint16(b, m.external.Port())
	addr := m.external.Addr()
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified() // "any IPv4 address": ::ffff:0.0.0.0
	}
	ip := addr.As16()
	return append(b, ip[:]...)
}

func appendPCPOption(b []byte, code uint8) []byte {
	return append(b, code, 0, 0, 0) // no data
}

// parsePCPReply decodes a datagram; ok is false for anything that is no PCP reply. Options are not
// looked at: none that we ask for has an answer that matters.
//
// A box that speaks only NAT-PMP, or another PCP, answers in its own version that it does not know
// ours (RFC 6886 section 3.5, RFC 6887 section 9). Of that only opcode and result are taken: they
// stand where they do here, the rest need not.
func parsePCPReply(b []byte) (r pcpReply, ok bool) {
	if len(b) < 4 || len(b) > pmpMaxLen || b[1]&pcpReplyBit == 0 {
		return r, false
	}
	r.opcode, r.result = b[1]&^pcpReplyBit, b[3]
	if b[0] != pcpVersion {
		return r, r.result == pcpUnsuppVersion
	}
	if len(b) < pcpHeaderLen || len(b)%4 != 0 {
		return r, false
	}
	r.lifetime = binary.BigEndian.Uint32(b[4:])
	r.epoch = binary.BigEndian.Uint32(b[8:])
	if r.opcode != pcpMap || len(b) < pcpMapLen {
		return r, true
	}
	r.hasMap = true
	b = b[pcpHeaderLen:]
	copy(r.mapping.nonce[:], b)
	r.mapping.protocol = b[12]
	r.mapping.internal = binary.BigEndian.Uint16(b[16:])
	r.mapping.external = netip.AddrPortFrom(
		toldAddr(netip.AddrFrom16([16]byte(b[20:36]))), binary.BigEndian.Uint16(b[18:]))
	return r, true
}

// answersMap reports whether r is the answer to a MAP request for m (RFC 6887 section 11.4). A
// refusal may come without the mapping, from a box that did not get as far as reading it.
func (r pcpReply) answersMap(m pcpMapping) bool {
	if r.opcode != pcpMap {
		return false
	}
	if !r.hasMap {
		return r.result != pcpSuccess
	}
	return r.mapping.nonce == m.nonce && r.mapping.protocol == m.protocol && r.mapping.internal == m.internal
}

// pcpLongError is the longest time that a refusal is taken to hold, the standard's "long lifetime"
// (RFC 6887 section 7.4): a box that says "for 136 years" shall not silence us for longer.
const pcpLongError = 30 * time.Minute

// refusal is the router's no, or nil when it said yes.
func (r pcpReply) refusal() *Refusal {
	if r.result == pcpSuccess {
		return nil
	}
	no := &Refusal{
		Protocol: PCP,
		Code:     int(r.result),
		Name:     "UNKNOWN",
		Retry:    min(time.Duration(r.lifetime)*time.Second, pcpLongError),
	}
	if int(r.result) < len(pcpResults) {
		no.Name, no.Kind = pcpResults[r.result].name, pcpResults[r.result].kind
	}
	return no
}

var pcpResults = [...]struct {
	name string
	kind Kind
}{
	{"SUCCESS", Other},
	{"UNSUPP_VERSION", NotSupported},
	{"NOT_AUTHORIZED", Denied},
	{"MALFORMED_REQUEST", Other},
	{"UNSUPP_OPCODE", NotSupported},
	{"UNSUPP_OPTION", NotSupported},
	{"MALFORMED_OPTION", Other},
	{"NETWORK_FAILURE", NoOuterAddress},
	{"NO_RESOURCES", NoOuterAddress}, // what miniupnpd says when its outer address is private
	{"UNSUPP_PROTOCOL", NotSupported},
	{"USER_EX_QUOTA", Full},
	{"CANNOT_PROVIDE_EXTERNAL", Conflict},
	{"ADDRESS_MISMATCH", AddressMismatch},
	{"EXCESSIVE_REMOTE_PEERS", Other},
}
