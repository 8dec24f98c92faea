package simhome

import (
	"encoding/binary"
	"strings"
)

// The type bytes of the game's protocol. They and everything else about its bytes stand here a second
// time, apart from package kaillera, so that each side checks the other.
const (
	n02Request = 0x00
	n02Ping    = 0x01
	n02Chat    = 0x09
	n02Exit    = 0x0A
	n02Accept  = 0x10
	n02Echo    = 0x11
	n02Reject  = 0x20
)

const (
	n02Window    = 14  // serials ahead of the last one, and instructions in a datagram
	n02Fresh     = 255 // the last serial of a socket that has heard nothing
	n02LoginBody = 32 + 128
)

// n02Message is one instruction with its serial, as it stands in a datagram.
type n02Message struct {
	serial, typ byte
	body        []byte
}

// n02Pack writes a datagram of messages, newest first.
func n02Pack(messages []n02Message) []byte {
	out := []byte{byte(len(messages))}
	for _, m := range messages {
		out = append(out, m.serial, byte(len(m.body)+1), m.typ)
		out = append(out, m.body...)
	}
	return out
}

// n02Unpack reads a datagram whose first byte is 1 to 14; false if it does not hold what it says.
func n02Unpack(b []byte) ([]n02Message, bool) {
	var messages []n02Message
	rest := b[1:]
	for range b[0] {
		if len(rest) < 3 || rest[1] == 0 || len(rest) < 2+int(rest[1]) {
			return nil, false
		}
		end := 2 + int(rest[1])
		messages = append(messages, n02Message{rest[0], rest[2], rest[3:end]})
		rest = rest[end:]
	}
	return messages, true
}

// n02Login is the body of a request or an accept.
func n02Login(nick, name string) []byte {
	pad := func(s string, n int) string { return (s + strings.Repeat("\x00", n))[:n-1] + "\x00" }
	return []byte(pad(nick, 32) + pad(name, 128))
}

// n02Line is the body of a chat line.
func n02Line(frame uint32, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, frame), text+"\x00"...)
}

// n02String reads up to the first NUL.
func n02String(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
