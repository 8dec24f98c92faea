// Package checker asks a computer on the internet whether a port at home can be reached, and is such
// a computer.
//
// The client talks to Smash64 Online's public checker and to every other one with the same shape;
// the server has that shape, so that Smash64's own page works against it, too:
//
//	GET  .../get-ip     the caller's address as text
//	POST .../p2p-check  {"host":"198.51.100.7","port":27886,"via":"free text"}
//	                    {"message":"OK","meta":"{\"host\":…}","success":true}
//
// Two things are easy to get wrong. A checker that could not check says nothing about the port:
// that is a *Failure here, never "unreachable". And a checker that sends to whoever it is told is a
// weapon: the server sends to the address that asks and to no other.
package checker

import (
	"net/netip"
	"strings"
	"unicode"
)

// The places of a checker, below its host.
const (
	CheckPath = "/kaillera/p2p-check"
	GetIPPath = "/kaillera/get-ip"
)

// reply is what a checker says to POST p2p-check. Meta is JSON inside a JSON string.
type reply struct {
	Message string `json:"message"`
	Meta    string `json:"meta"`
	Success bool   `json:"success"`
}

// isPublic reports whether a is an IPv4 address of the open internet: none of IANA's IPv4
// Special-Purpose Address Registry (RFC 6890), and not multicast.
func isPublic(a netip.Addr) bool {
	if !a.Is4() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	b := a.As4()
	switch {
	case b[0] == 0, b[0] >= 224: // "this network" RFC 791; multicast RFC 5771, reserved RFC 1112
		return false
	case b[0] == 100 && b[1]&0xc0 == 64: // carrier NAT, RFC 6598
		return false
	case b[0] == 198 && b[1]&0xfe == 18: // benchmarking, RFC 2544
		return false
	}
	switch [3]byte(b[:3]) {
	case [3]byte{192, 0, 0}, [3]byte{192, 88, 99}, // IETF protocols, RFC 6890; 6to4 relays, RFC 7526
		[3]byte{192, 0, 2}, [3]byte{198, 51, 100}, [3]byte{203, 0, 113}: // documentation, RFC 5737
		return false
	}
	return true
}

// clean makes foreign text fit to be shown: at most n printable characters, on one line.
func clean(s string, n int) string {
	var b strings.Builder
	for _, r := range s {
		if n == 0 {
			break
		}
		if unicode.IsSpace(r) {
			r = ' '
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			n--
		}
	}
	return strings.TrimSpace(b.String())
}
