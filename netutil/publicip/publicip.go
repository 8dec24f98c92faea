// Package publicip asks others which address we have on the internet: a STUN server (RFC 8489) and
// a get-ip page over HTTP. The router's own word is the third source, and comes from portmap.
//
// It does not decide whom to believe; Kind only names what sort of address one is.
//
// Only IPv4 is asked for and only IPv4 is accepted: the port mapping is an IPv4 matter. Both
// questions leave through the interface that carries the local address they are given, because
// with a VPN in use the system's default route would ask about the wrong way out.
package publicip

import "net/netip"

// Kind sorts an address by what it means to be reached under it.
type Kind string

// The kinds of address, as they appear in the status.
const (
	Public     Kind = "public"
	Private    Kind = "private"     // RFC 1918: there is another router in front
	CarrierNAT Kind = "carrier-nat" // 100.64.0.0/10 (RFC 6598) or DS-Lite: the provider shares one address
	OtherKind  Kind = "other"       // anything else nobody can be reached under
)

// KindOf sorts an IPv4 address. An IPv6 or invalid address is OtherKind; an IPv4 address written
// as IPv6 (::ffff:192.0.2.1) is sorted as what it is.
//
// The table is IANA's IPv4 Special-Purpose Address Registry (RFC 6890) with multicast. The
// documentation ranges of RFC 5737 count as OtherKind like everything nobody can be reached under:
// an example that has to pass for public needs another address.
func KindOf(a netip.Addr) Kind {
	a = a.Unmap()
	if !a.Is4() {
		return OtherKind
	}
	switch b := a.As4(); {
	case b[0] == 10, b[0] == 172 && b[1]&0xf0 == 16, b[0] == 192 && b[1] == 168:
		return Private
	case b[0] == 100 && b[1]&0xc0 == 64,
		[3]byte(b[:3]) == [3]byte{192, 0, 0} && b[3] < 8: // DS-Lite, RFC 6333: the same at heart
		return CarrierNAT
	case special(b):
		return OtherKind
	}
	return Public
}

// special knows the remaining blocks. They are bytes, not parsed prefixes, so that nothing has to
// be built when the program starts.
func special(b [4]byte) bool {
	switch {
	case b[0] == 0, b[0] == 127: // "this network" RFC 791, loopback RFC 1122
		return true
	case b[0] == 169 && b[1] == 254: // link-local, RFC 3927
		return true
	case b[0] == 198 && b[1]&0xfe == 18: // benchmarking, RFC 2544
		return true
	case b[0] >= 224: // multicast RFC 5771, reserved RFC 1112, limited broadcast RFC 8190
		return true
	}
	switch [3]byte(b[:3]) {
	case [3]byte{192, 0, 0}, // IETF protocols, RFC 6890
		[3]byte{192, 0, 2}, [3]byte{198, 51, 100}, [3]byte{203, 0, 113}, // documentation, RFC 5737
		[3]byte{192, 88, 99}: // 6to4 relays, withdrawn by RFC 7526
		return true
	}
	return false
}
