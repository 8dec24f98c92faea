package publicip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// The parts of STUN that a binding request needs (RFC 8489 sections 5, 14 and 18).
const (
	headerLen   = 20
	magicCookie = 0x2112A442

	bindingRequest = 0x0001
	bindingSuccess = 0x0101
	bindingError   = 0x0111

	attrMapped    = 0x0001
	attrErrorCode = 0x0009
	attrXORMapped = 0x0020

	familyIPv4 = 0x01
	familyIPv6 = 0x02
)

// errNotOurs marks a datagram that is not an answer to this request: it is passed over in silence.
var errNotOurs = errors.New("not an answer to this request")

// transaction is the random number that ties an answer to its request.
type transaction [12]byte

// encodeRequest writes a binding request without attributes, which is all a server needs.
func encodeRequest(id transaction) []byte {
	b := make([]byte, headerLen)
	binary.BigEndian.PutUint16(b[0:], bindingRequest)
	binary.BigEndian.PutUint32(b[4:], magicCookie)
	copy(b[8:], id[:])
	return b
}

// decodeResponse reads the answer to request id. The error is errNotOurs where the datagram is none;
// any other error is the server's real answer, and asking again would not help.
func decodeResponse(b []byte, id transaction) (netip.AddrPort, error) {
	if len(b) < headerLen ||
		binary.BigEndian.Uint32(b[4:]) != magicCookie ||
		transaction(b[8:headerLen]) != id {
		return netip.AddrPort{}, errNotOurs
	}
	kind := binary.BigEndian.Uint16(b)
	if kind != bindingSuccess && kind != bindingError {
		return netip.AddrPort{}, errNotOurs
	}
	body := b[headerLen:]
	if said := int(binary.BigEndian.Uint16(b[2:])); said != len(body) {
		return netip.AddrPort{}, fmt.Errorf("damaged answer: %d bytes of attributes announced, %d came", said, len(body))
	}
	attrs, err := decodeAttributes(body)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if kind == bindingError {
		return netip.AddrPort{}, refusal(attrs.errorCode)
	}
	return attrs.address(id)
}

// attributes holds the values decodeResponse looks at; nil = absent.
type attributes struct{ mapped, xorMapped, errorCode []byte }

// decodeAttributes walks the type-length-value list of RFC 8489 section 14. Of an attribute that
// comes twice the first counts, as the RFC wants it.
func decodeAttributes(b []byte) (attributes, error) {
	var found attributes
	for len(b) > 0 {
		if len(b) < 4 {
			return found, fmt.Errorf("damaged answer: %d bytes left where an attribute should begin", len(b))
		}
		kind, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		padded := (size + 3) &^ 3
		if padded > len(b)-4 {
			return found, fmt.Errorf("damaged answer: attribute 0x%04x has %d bytes, %d are left", kind, size, len(b)-4)
		}
		value := b[4 : 4+size]
		b = b[4+padded:]
		switch slot := found.slot(kind); {
		case slot == nil && !ignorable(kind):
			return found, fmt.Errorf("answer with attribute 0x%04x, which must be understood and is not", kind)
		case slot != nil && *slot == nil:
			*slot = value
		}
	}
	return found, nil
}

func (a *attributes) slot(kind uint16) *[]byte {
	switch kind {
	case attrMapped:
		return &a.mapped
	case attrXORMapped:
		return &a.xorMapped
	case attrErrorCode:
		return &a.errorCode
	}
	return nil
}

// ignorable reports whether an attribute may be passed over: those from 0x8000 up by definition,
// the credentials because we have none to compare, and those of RFC 3489 (0x0002 to 0x000b)
// because old servers still add SOURCE-ADDRESS and CHANGED-ADDRESS.
func ignorable(kind uint16) bool {
	switch kind {
	case 0x0014, 0x0015, 0x001C, 0x001D, 0x001E: // REALM, NONCE, MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH
		return true
	}
	return kind >= 0x8000 || kind >= 0x0002 && kind <= 0x000b
}

// address prefers XOR-MAPPED-ADDRESS: home routers with a helpful mind rewrite the bytes of their
// own address wherever they see them, and spoil the plain one (RFC 8489 section 14.2).
func (a *attributes) address(id transaction) (netip.AddrPort, error) {
	var key [16]byte // cookie and transaction, for XOR-MAPPED-ADDRESS; zeros leave the plain one as it is
	value := a.mapped
	if a.xorMapped != nil {
		value = a.xorMapped
		binary.BigEndian.PutUint32(key[:], magicCookie)
		copy(key[4:], id[:])
	}
	if value == nil {
		return netip.AddrPort{}, errors.New("answer without an address in it")
	}
	return decodeAddress(value, key)
}

func decodeAddress(b []byte, key [16]byte) (netip.AddrPort, error) {
	if len(b) < 4 {
		return netip.AddrPort{}, fmt.Errorf("damaged answer: an address of %d bytes", len(b))
	}
	family, port, raw := b[1], binary.BigEndian.Uint16(b[2:])^binary.BigEndian.Uint16(key[:]), b[4:]
	if !(family == familyIPv4 && len(raw) == 4 || family == familyIPv6 && len(raw) == 16) {
		return netip.AddrPort{}, fmt.Errorf("damaged answer: an address of family %d with %d bytes", family, len(raw))
	}
	var plain [16]byte
	for i := range raw {
		plain[i] = raw[i] ^ key[i]
	}
	if family == familyIPv6 {
		return netip.AddrPort{}, fmt.Errorf("answered %s: %w", netip.AddrFrom16(plain), ErrIPv6)
	}
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte(plain[:4])), port)
	if addr.Addr().IsUnspecified() || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("answered %s, which is no address", addr)
	}
	return addr, nil
}

// refusal puts an ERROR-CODE attribute (RFC 8489 section 14.8) into words.
func refusal(b []byte) error {
	if len(b) < 4 {
		return errors.New("refused without a reason")
	}
	return fmt.Errorf("refused with %d %q", int(b[2]&7)*100+int(b[3]), clean(string(b[4:])))
}
