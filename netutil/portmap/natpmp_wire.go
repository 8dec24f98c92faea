package portmap

import (
	"encoding/binary"
	"net/netip"
)

// The layout of RFC 6886 sections 3.2 to 3.5; all numbers are big-endian.
const (
	natpmpVersion     = 0
	natpmpErrorLen    = 8 // a refusal may end after the epoch
	natpmpExternalLen = 12
	natpmpMapLen      = 16
	natpmpReplyBit    = 0x80

	natpmpExternal = 0
	natpmpMapUDP   = 1
	natpmpMapTCP   = 2
)

// The result codes of RFC 6886 section 3.5 that something here depends on.
const (
	natpmpSuccess        = 0
	natpmpUnsuppVersion  = 1
	natpmpNetworkFailure = 3
)

// natpmpReply is one decoded reply: to a question for the external address, or to one for a
// mapping.
type natpmpReply struct {
	opcode      uint8
	result      uint16
	epoch       uint32
	addr        netip.Addr // not valid when not told
	hasInternal bool       // a refusal may end before it
	internal    uint16
	external    uint16
	lifetime    uint32 // seconds
}

func natpmpOpcode(t Transport) uint8 {
	if t == TCP {
		return natpmpMapTCP
	}
	return natpmpMapUDP
}

func appendNATPMPExternal(b []byte) []byte {
	return append(b, natpmpVersion, natpmpExternal)
}

func appendNATPMPMap(b []byte, t Transport, internal, external uint16, lifetime uint32) []byte {
	b = append(b, natpmpVersion, natpmpOpcode(t), 0, 0)
	b = binary.BigEndian.AppendUint16(b, internal)
	b = binary.BigEndian.AppendUint16(b, external)
	return binary.BigEndian.AppendUint32(b, lifetime)
}

// parseNATPMPReply decodes a datagram; ok is false for anything that is no NAT-PMP reply. A box
// that speaks only PCP may say in PCP's own version that it does not know ours (RFC 6887
// appendix A); of that only opcode and result are taken.
func parseNATPMPReply(b []byte) (r natpmpReply, ok bool) {
	if len(b) < natpmpErrorLen || len(b) > pmpMaxLen || b[1]&natpmpReplyBit == 0 {
		return r, false
	}
	r.opcode = b[1] &^ natpmpReplyBit
	r.result = binary.BigEndian.Uint16(b[2:])
	if b[0] == pcpVersion {
		r.result &= 0xff // PCP's first byte here is reserved
		return r, r.result == natpmpUnsuppVersion
	}
	if b[0] != natpmpVersion {
		return r, false
	}
	r.epoch = binary.BigEndian.Uint32(b[4:])
	switch {
	case r.opcode == natpmpExternal && len(b) >= natpmpExternalLen:
		// After a failure the address means nothing (RFC 6886 section 3.2).
		if r.result == natpmpSuccess {
			r.addr = toldAddr(netip.AddrFrom4([4]byte(b[8:12])))
		}
		return r, true
	case (r.opcode == natpmpMapUDP || r.opcode == natpmpMapTCP) && len(b) >= natpmpMapLen:
		r.hasInternal = true
		r.internal = binary.BigEndian.Uint16(b[8:])
		r.external = binary.BigEndian.Uint16(b[10:])
		r.lifetime = binary.BigEndian.Uint32(b[12:])
		return r, true
	}
	return r, r.result != natpmpSuccess
}

// answersMap reports whether r is the answer to a question for a mapping.
func (r natpmpReply) answersMap(t Transport, internal uint16) bool {
	return r.opcode == natpmpOpcode(t) && (!r.hasInternal || r.internal == internal)
}

// refusal is the router's no, or nil when it said yes.
func (r natpmpReply) refusal() *Refusal {
	if r.result == natpmpSuccess {
		return nil
	}
	no := &Refusal{Protocol: NATPMP, Code: int(r.result), Name: "Unknown"}
	if int(r.result) < len(natpmpResults) {
		no.Name, no.Kind = natpmpResults[r.result].name, natpmpResults[r.result].kind
	}
	return no
}

var natpmpResults = [...]struct {
	name string
	kind Kind
}{
	{"Success", Other},
	{"Unsupported Version", NotSupported},
	{"Not Authorized/Refused", Denied},
	{"Network Failure", NoOuterAddress},
	{"Out of resources", Full},
	{"Unsupported opcode", NotSupported},
}
