package kaillera

import (
	"bytes"
	"crypto/rand"
)

// Datagrams whose first byte is 0 are no instructions. Longer than five bytes, they carry text,
// from and to the helper servers of G2 and G3; G1 ignores them all.
const (
	pingQuestion = "\x00PINGRQ\x00"
	pingAnswer   = "\x00xxxxxxxxxx\x00"
	nothing      = "\x00" // ignored by all; also Autopunch's punch
)

// A token datagram is this text, a version, 'Q' or 'A', and the token. It begins with MSG because
// n02 v0.5r1 and n02-rmg show any raw text to their user, but for texts that begin so.
const (
	tokenMagic   = "\x00MSG PORTSITTER"
	tokenVersion = 1
	tokenLen     = len(tokenMagic) + 2 + len(Token{})
)

// Raw sorts the datagrams that begin with a 0 byte.
type Raw int

// The sorts of raw datagrams.
const (
	NotRaw           Raw = iota // it does not begin with 0
	RawNothing                  // up to five bytes: a hole puncher's, ignored by all
	RawPing                     // PINGRQ
	RawPong                     // the answer to it
	RawTokenQuestion            // ours
	RawTokenAnswer              // ours
	RawControl                  // 00 00: G3's control messages
	RawText                     // anything else: a helper server's text
)

// SortRaw tells what a datagram that begins with 0 is.
func SortRaw(b []byte) Raw {
	switch {
	case len(b) == 0 || b[0] != 0:
		return NotRaw
	case len(b) <= 5:
		return RawNothing
	case isText(b, pingQuestion):
		return RawPing
	case isText(b, pingAnswer):
		return RawPong
	case len(b) == tokenLen && bytes.HasPrefix(b, []byte(tokenMagic)) && b[len(tokenMagic)] == tokenVersion:
		switch b[len(tokenMagic)+1] {
		case 'Q':
			return RawTokenQuestion
		case 'A':
			return RawTokenAnswer
		}
	case b[1] == 0:
		return RawControl
	}
	return RawText
}

// isText compares with or without the NUL at the end: both are in use.
func isText(b []byte, want string) bool {
	return string(b) == want || string(b) == want[:len(want)-1]
}

// PingQuestion is the PINGRQ datagram: answered by G2 outside a game and by an idle G3, without a
// state, a serial or anything visible for the host's user.
func PingQuestion() []byte { return []byte(pingQuestion) }

// PingAnswer is the answer to it.
func PingAnswer() []byte { return []byte(pingAnswer) }

// Token is what must come back to prove that a stand-in has been reached. Nobody who has not seen
// the question can guess it.
type Token [16]byte

// NewToken makes one.
func NewToken() (t Token) {
	rand.Read(t[:]) // never fails: crypto/rand ends the program instead
	return t
}

// TokenQuestion asks a stand-in to send the token back. It serves ports whose game is not Kaillera.
func TokenQuestion(t Token) []byte { return tokenDatagram('Q', t) }

// TokenAnswer sends it back, in a datagram of the same length.
func TokenAnswer(t Token) []byte { return tokenDatagram('A', t) }

func tokenDatagram(tag byte, t Token) []byte {
	b := append([]byte(tokenMagic), tokenVersion, tag)
	return append(b, t[:]...)
}

// TokenOf reads the token of a datagram that SortRaw calls RawTokenQuestion or RawTokenAnswer;
// the zero Token of any other.
func TokenOf(b []byte) (t Token) {
	if s := SortRaw(b); s == RawTokenQuestion || s == RawTokenAnswer {
		copy(t[:], b[len(tokenMagic)+2:])
	}
	return t
}

// Look is the one datagram that may be sent to a host that could be G1: a request and, newer than
// it, an EXIT; 167 bytes. An idle host answers with its accept and is idle again at once, whatever
// gets lost on the way, since both travel together. Its user sees that somebody came and left. Of a
// G1 host that is half-open or wedged with serial 0, only the EXIT is new: it frees the host, and the
// next Look is answered.
//
// Not while a player may be connected: one in 18 such hosts (14 serials of 256) would take the EXIT
// for the player's.
func Look(nick, app string) []byte {
	d := Datagram{Serial: 1, Instructions: []Instruction{Exit(), Request(nick, app)}}
	b, _ := d.Append(make([]byte, 0, 167)) // two instructions of fixed length always fit
	return b
}
