package simhome

import (
	"encoding/binary"
	"net/netip"
)

const stunCookie = 0x2112a442

// answerSTUN answers a Binding request (RFC 8489 sections 5 and 14.2); nil for anything else.
func answerSTUN(b []byte, seen netip.AddrPort) []byte {
	if len(b) < 20 || binary.BigEndian.Uint16(b) != 1 || binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return nil
	}
	if size := int(binary.BigEndian.Uint16(b[2:])); size%4 != 0 || size != len(b)-20 {
		return nil
	}
	if !seen.Addr().Is4() {
		return nil
	}
	ip := seen.Addr().As4()
	out := binary.BigEndian.AppendUint16(nil, 0x0101) // Binding success
	out = binary.BigEndian.AppendUint16(out, 12)
	out = append(out, b[4:20]...)                         // cookie and transaction
	out = append(out, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01) // XOR-MAPPED-ADDRESS, 8 bytes, IPv4
	out = binary.BigEndian.AppendUint16(out, seen.Port()^(stunCookie>>16))
	return binary.BigEndian.AppendUint32(out, binary.BigEndian.Uint32(ip[:])^stunCookie)
}
