package publicip

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"net/netip"
	"strings"
	"testing"
)

// The sample responses of RFC 5769 sections 2.2 and 2.3.
const (
	vectorIPv4 = `0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
		8022000b 74657374 20766563 746f7220
		00200008 0001a147 e112a643
		00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
		80280004 c07d4c96`
	vectorIPv6 = `01010048 2112a442 b7e7a701 bc34d686 fa87dfae
		8022000b 74657374 20766563 746f7220
		00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
		00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41
		80280004 c8fb0b4c`
)

var vectorID = transaction(unhex("b7e7a701 bc34d686 fa87dfae"))

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// response builds an answer to vectorID from its attributes in hex.
func response(kind uint16, attrs string) []byte {
	body := unhex(attrs)
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = binary.BigEndian.AppendUint32(b, magicCookie)
	return append(append(b, vectorID[:]...), body...)
}

func TestVectorsAreTheRFCs(t *testing.T) {
	for _, v := range []string{vectorIPv4, vectorIPv6} {
		b := unhex(v)
		sum := crc32.ChecksumIEEE(b[:len(b)-8]) ^ 0x5354554e // RFC 8489 section 14.7
		if got := binary.BigEndian.Uint32(b[len(b)-4:]); got != sum {
			t.Errorf("FINGERPRINT %08x, computed %08x: the vector was mistyped", got, sum)
		}
	}
}

func TestDecodeResponse(t *testing.T) {
	flip := func(at int) []byte { b := unhex(vectorIPv4); b[at] ^= 1; return b }
	tests := []struct {
		name string
		data []byte
		want string // the address, or a part of the error
		is   error
	}{
		{name: "RFC 5769 2.2, IPv4", data: unhex(vectorIPv4), want: "192.0.2.1:32853"},
		{name: "RFC 5769 2.3, IPv6", data: unhex(vectorIPv6), want: "2001:db8:1234:5678:11:2233:4455:6677", is: ErrIPv6},
		{name: "plain MAPPED-ADDRESS", data: response(bindingSuccess, "00010008 00016cee c0000201"), want: "192.0.2.1:27886"},
		{name: "XOR goes before plain", data: response(bindingSuccess, "00010008 00016cee 0a000001 00200008 0001a147 e112a643"), want: "192.0.2.1:32853"},
		{name: "of two the first counts", data: response(bindingSuccess, "00200008 0001a147 e112a643 00200008 00010000 00000000"), want: "192.0.2.1:32853"},
		{name: "attributes of RFC 3489", data: response(bindingSuccess, "00040008 00010d96 c0000202 00050008 00010d97 c0000203 00010008 00016cee c0000201"), want: "192.0.2.1:27886"},
		{name: "credentials are passed over", data: response(bindingSuccess, "001c0004 00000000 00010008 00016cee c0000201"), want: "192.0.2.1:27886"},
		{name: "unknown, must be understood", data: response(bindingSuccess, "7fff0000 00010008 00016cee c0000201"), want: "0x7fff"},

		{name: "empty", data: nil, is: errNotOurs},
		{name: "19 bytes", data: unhex(vectorIPv4)[:19], is: errNotOurs},
		{name: "another transaction", data: flip(19), is: errNotOurs},
		{name: "another cookie", data: flip(4), is: errNotOurs},
		{name: "our own request, echoed", data: encodeRequest(vectorID), is: errNotOurs},
		{name: "an indication", data: response(0x0011, ""), is: errNotOurs},

		{name: "no attributes", data: response(bindingSuccess, ""), want: "without an address"},
		{name: "length too small", data: flip(3), want: "damaged"},
		{name: "bytes behind the end", data: append(unhex(vectorIPv4), 0, 0, 0, 0), want: "damaged"},
		{name: "half an attribute header", data: response(bindingSuccess, "0020"), want: "2 bytes left"},
		{name: "attribute longer than the message", data: response(bindingSuccess, "0020ffff 0001a147 e112a643"), want: "65535 bytes, 8 are left"},
		{name: "padding cut off", data: response(bindingSuccess, "80220003 616263"), want: "damaged"},
		{name: "address of 3 bytes", data: response(bindingSuccess, "00200003 00010000"), want: "3 bytes"},
		{name: "IPv4 of 5 bytes", data: response(bindingSuccess, "00200009 0001a147 e112a643 00000000"), want: "family 1"},
		{name: "IPv6 of 4 bytes", data: response(bindingSuccess, "00200008 0002a147 e112a643"), want: "family 2"},
		{name: "family 0", data: response(bindingSuccess, "00200008 0000a147 e112a643"), want: "family 0"},
		{name: "0.0.0.0", data: response(bindingSuccess, "00010008 00016cee 00000000"), want: "no address"},
		{name: "port 0", data: response(bindingSuccess, "00010008 00010000 c0000201"), want: "no address"},

		{name: "refusal", data: response(bindingError, "00090010 00000414 556e6b6e 6f776e1b 07206174"), want: `refused with 420 "Unknown at"`},
		{name: "refusal without a reason", data: response(bindingError, ""), want: "without a reason"},
		{name: "refusal of 3 bytes", data: response(bindingError, "00090003 00000400"), want: "without a reason"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, err := decodeResponse(tt.data, vectorID)
			got := addr.String()
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) || tt.want == "" && err == nil {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) || tt.is != errNotOurs && errors.Is(err, errNotOurs) {
				t.Errorf("error %v, want %v", err, tt.is)
			}
			if err != nil && addr.IsValid() {
				t.Errorf("address %s beside the error %v", addr, err)
			}
		})
	}
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add(unhex(vectorIPv4))
	f.Add(unhex(vectorIPv6))
	f.Add(response(bindingError, "00090004 00000414"))
	f.Add(response(bindingSuccess, "00010008 00016cee c0000201"))
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, err := decodeResponse(b, vectorID)
		if (err == nil) != addr.IsValid() {
			t.Fatalf("address %v with error %v", addr, err)
		}
		if err == nil && (!addr.Addr().Is4() || addr.Port() == 0 || addr.Addr() == netip.IPv4Unspecified()) {
			t.Fatalf("accepted %v", addr)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Fatalf("error of %d bytes", len(err.Error()))
		}
	})
}
