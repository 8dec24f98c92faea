package kaillera

import (
	"errors"
	"fmt"
)

// MaxInstructions is how many instructions a host accepts in one datagram, and how many serials its
// window spans.
const MaxInstructions = 14

// maxLength is the largest length field of an instruction, which counts the type byte.
const maxLength = 255

// fresh is the last accepted serial of a socket that has heard nothing: the first one to come is 0.
const fresh uint8 = 255

// maxDatagram is longer than any UDP datagram, so that reading never cuts one off: Windows calls
// that an error, Linux makes a well-formed datagram out of a malformed one.
const maxDatagram = 1 << 16

// ErrMalformed means that a datagram is not one of this protocol.
var ErrMalformed = errors.New("not a well-formed Kaillera P2P datagram")

// Instruction is one message. Datagrams repeat the newest of them instead of acknowledging.
type Instruction struct {
	Kind Kind
	Body []byte // at most 254 bytes
}

// Datagram is what G1 and G2 send: a count, then for each instruction serial, length, type and body.
type Datagram struct {
	Serial       uint8         // of the newest instruction
	Instructions []Instruction // newest first; each one's serial is one below its predecessor's
}

// Decode reads a datagram. The bodies are parts of b. ErrMalformed: a count that is not 1 to 14, a
// length that is 0 or leads beyond the end, serials that skip, or bytes left over.
func Decode(b []byte) (Datagram, error) {
	if len(b) < 4 || b[0] == 0 || b[0] > MaxInstructions {
		return Datagram{}, fmt.Errorf("%w: %d bytes that begin with % x", ErrMalformed, len(b), b[:min(len(b), 1)])
	}
	d := Datagram{Serial: b[1], Instructions: make([]Instruction, b[0])}
	b = b[1:]
	for i := range d.Instructions {
		if len(b) < 3 {
			return Datagram{}, fmt.Errorf("%w: instruction %d of %d begins after its end", ErrMalformed, i+1, len(d.Instructions))
		}
		serial, length := b[0], int(b[1])
		b = b[2:]
		if length == 0 || length > len(b) {
			return Datagram{}, fmt.Errorf("%w: instruction %d has length %d and %d bytes are left", ErrMalformed, i+1, length, len(b))
		}
		if want := d.Serial - uint8(i); serial != want {
			return Datagram{}, fmt.Errorf("%w: serial %d where %d was due", ErrMalformed, serial, want)
		}
		d.Instructions[i] = Instruction{Kind(b[0]), b[1:length:length]}
		b = b[length:]
	}
	if len(b) != 0 {
		return Datagram{}, fmt.Errorf("%w: %d bytes after the last instruction", ErrMalformed, len(b))
	}
	return d, nil
}

// Append writes the datagram behind dst. An error means that it has not 1 to 14 instructions or
// that a body is longer than 254 bytes.
func (d Datagram) Append(dst []byte) ([]byte, error) {
	n := len(d.Instructions)
	if n < 1 || n > MaxInstructions {
		return dst, fmt.Errorf("kaillera: a datagram holds 1 to %d instructions, not %d", MaxInstructions, n)
	}
	out := append(dst, byte(n))
	for i, in := range d.Instructions {
		if len(in.Body) >= maxLength {
			return dst, fmt.Errorf("kaillera: the body of %s is %d bytes long, at most %d fit", in.Kind, len(in.Body), maxLength-1)
		}
		out = append(out, d.Serial-uint8(i), byte(1+len(in.Body)), byte(in.Kind))
		out = append(out, in.Body...)
	}
	return out, nil
}

// After returns the instructions that are new to a receiver whose last accepted serial is last,
// newest first, as a host counts them: at most 14 serials ahead, else the datagram is dropped
// (nil, false). A datagram with nothing new is (nil, true).
func (d Datagram) After(last uint8) ([]Instruction, bool) {
	ahead := int(d.Serial - last)
	if ahead > MaxInstructions {
		return nil, false
	}
	return d.Instructions[:min(ahead, len(d.Instructions))], true
}
