// Package kaillera speaks the UDP protocol of Kaillera P2P, the "n02" netplay plugin: it reads and
// writes its datagrams, asks a host from outside whether it can be reached, and answers in place of
// a host while none is running.
//
// Three generations are in use. G1 (the plugin of Project64KSE, Ownaclient, IROC) and G2 (n02
// v0.5r1 and n02-rmg) share one framing; G2 also answers PINGRQ, a question that leaves no trace.
// G3 (a02, "v0r7") has another framing and is only recognised here. There is no published standard:
// everything below was seen on the wire between real hosts of each generation.
//
// Two properties of G1 shape this package. A host takes any datagram whose serial fits, from any
// address, so nothing may be sent to it that is not well-formed. And a request that is not followed
// by an EXIT leaves it half-open: it then ignores everybody until its user hosts again. So a
// request never leaves here without an EXIT in the same datagram.
package kaillera

import "fmt"

// Kind is the type byte of an instruction: the kind in the low nibble, flags in the high one.
type Kind byte

// The kinds in use between a host and its client.
const (
	KindRequest    Kind = 0x00 // client to host: let me in; nick and emulator
	KindPing       Kind = 0x01
	KindReady      Kind = 0x02
	KindSyncDelay  Kind = 0x04
	KindLoad       Kind = 0x05
	KindStart      Kind = 0x06
	KindData       Kind = 0x07 // the players' inputs
	KindDrop       Kind = 0x08
	KindChat       Kind = 0x09
	KindExit       Kind = 0x0A
	KindAccept     Kind = 0x10 // host: nick and game; client: empty, its confirmation
	KindEcho       Kind = 0x11 // gives a PING's body back
	KindNotReady   Kind = 0x12
	KindSyncForce  Kind = 0x13
	KindLoaded     Kind = 0x15
	KindReject     Kind = 0x20
	KindSyncCheck  Kind = 0x23
	KindSyncAdjust Kind = 0x43
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case KindRequest:
		return "request"
	case KindPing:
		return "ping"
	case KindReady:
		return "ready"
	case KindSyncDelay:
		return "sync delay"
	case KindLoad:
		return "load"
	case KindStart:
		return "start"
	case KindData:
		return "data"
	case KindDrop:
		return "drop"
	case KindChat:
		return "chat"
	case KindExit:
		return "exit"
	case KindAccept:
		return "accept"
	case KindEcho:
		return "ping echo"
	case KindNotReady:
		return "not ready"
	case KindSyncForce:
		return "sync force"
	case KindLoaded:
		return "loaded"
	case KindReject:
		return "reject"
	case KindSyncCheck:
		return "sync check"
	case KindSyncAdjust:
		return "sync adjust"
	}
	return fmt.Sprintf("kind %#02x", byte(k))
}

// Generation tells which lineage of n02 a host belongs to, as far as its answers show.
type Generation int

// The generations.
const (
	GenerationUnknown Generation = iota
	G1                           // took a request and was silent on PINGRQ; on a lossy line it may be G2
	G2                           // answered both
	G3                           // answered in the framing of a02
	G2OrG3                       // answered PINGRQ and was not asked, or did not answer, more
)

// String names the generation.
func (g Generation) String() string {
	switch g {
	case G1:
		return "G1"
	case G2:
		return "G2"
	case G3:
		return "G3"
	case G2OrG3:
		return "G2 or G3"
	}
	return "unknown"
}
