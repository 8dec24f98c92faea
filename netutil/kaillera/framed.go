package kaillera

import (
	"encoding/binary"
	"fmt"
)

// maxFramed is how many instructions a G3 datagram may hold.
const maxFramed = 15

// Framed is a datagram of G3. Its instructions have no serials of their own, and their bodies may be
// longer than G1's and G2's.
type Framed struct {
	Serial       uint32 // of the newest instruction
	Ack          uint32 // the last serial that the sender has received; FFFFFFFF for none
	Instructions []Instruction
}

// DecodeFramed reads a datagram of G3: a count, then serial and acknowledged serial, each inverted
// on the wire, then for each instruction a length of two bytes, type and body. The bodies are parts
// of b. ErrMalformed: a count that is not 1 to 15, or lengths that do not add up.
func DecodeFramed(b []byte) (Framed, error) {
	const header = 1 + 4 + 4
	if len(b) < header+3 || b[0] == 0 || b[0] > maxFramed {
		return Framed{}, fmt.Errorf("%w of G3: %d bytes that begin with % x", ErrMalformed, len(b), b[:min(len(b), 1)])
	}
	f := Framed{
		Serial:       ^binary.LittleEndian.Uint32(b[1:]),
		Ack:          ^binary.LittleEndian.Uint32(b[5:]),
		Instructions: make([]Instruction, b[0]),
	}
	b = b[header:]
	for i := range f.Instructions {
		if len(b) < 3 {
			return Framed{}, fmt.Errorf("%w of G3: instruction %d of %d begins after its end", ErrMalformed, i+1, len(f.Instructions))
		}
		length := int(binary.LittleEndian.Uint16(b))
		b = b[2:]
		if length == 0 || length > len(b) {
			return Framed{}, fmt.Errorf("%w of G3: instruction %d has length %d and %d bytes are left", ErrMalformed, i+1, length, len(b))
		}
		f.Instructions[i] = Instruction{Kind(b[0]), b[1:length:length]}
		b = b[length:]
	}
	if len(b) != 0 {
		return Framed{}, fmt.Errorf("%w of G3: %d bytes after the last instruction", ErrMalformed, len(b))
	}
	return f, nil
}

// Request is the datagram's request to a host, if it has one.
func (f Framed) Request() (Instruction, bool) { return find(f.Instructions, KindRequest) }

// Answer is the datagram's answer to a request, an accept or a reject, if it has one.
func (f Framed) Answer() (Instruction, bool) {
	if in, ok := find(f.Instructions, KindAccept); ok {
		return in, true
	}
	return find(f.Instructions, KindReject)
}

func find(in []Instruction, k Kind) (Instruction, bool) {
	for _, i := range in {
		if i.Kind == k {
			return i, true
		}
	}
	return Instruction{}, false
}
