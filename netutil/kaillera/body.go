package kaillera

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The fixed fields of requests and accepts, in bytes. Each one is NUL-padded and keeps at least one
// NUL, because receivers read it as a C string.
const (
	NickSize = 32
	NameSize = 128 // the emulator in a request, the game in an accept
)

// MaxChat is how many bytes of text fit into a chat line.
const MaxChat = maxLength - 1 - 4 - 1

// Request asks a host to let a client in. Never send it without an Exit in the same datagram,
// unless you mean to play.
func Request(nick, app string) Instruction {
	return Instruction{KindRequest, login(nick, app)}
}

// Accept is a host's answer to a Request.
func Accept(nick, game string) Instruction {
	return Instruction{KindAccept, login(nick, game)}
}

// Confirm is a client's answer to an Accept.
func Confirm() Instruction { return Instruction{Kind: KindAccept} }

// Exit says that the sender leaves; a host then closes its socket and opens it again.
func Exit() Instruction { return Instruction{Kind: KindExit} }

// Ping asks for an echo of its body, whose content has no meaning. Hosts send 32 bytes every second
// and 128 at the start. More than 254 bytes are cut.
func Ping(size int) Instruction {
	return Instruction{KindPing, make([]byte, min(max(size, 0), maxLength-1))}
}

// Chat is a line of text; it ends at a NUL and is cut after MaxChat bytes.
func Chat(frame int32, text string) Instruction {
	text, _, _ = strings.Cut(text[:min(len(text), MaxChat)], "\x00")
	body := binary.LittleEndian.AppendUint32(nil, uint32(frame))
	body = append(body, text...)
	return Instruction{KindChat, append(body, 0)}
}

func login(nick, name string) []byte {
	body := make([]byte, NickSize+NameSize)
	copy(body[:NickSize-1], nick)
	copy(body[NickSize:NickSize+NameSize-1], name)
	return body
}

// Names reads a Request (nick and emulator) or an Accept (nick and game): the bytes before the first
// NUL of each field, in whatever code page the other side uses. False: in is neither, or too short.
func (in Instruction) Names() (nick, name []byte, ok bool) {
	if in.Kind != KindRequest && in.Kind != KindAccept || len(in.Body) < NickSize+NameSize {
		return nil, nil, false
	}
	nick, _, _ = bytes.Cut(in.Body[:NickSize], []byte{0})
	name, _, _ = bytes.Cut(in.Body[NickSize:NickSize+NameSize], []byte{0})
	return nick, name, true
}

// Line reads a Chat. False: in is none, or too short for a frame number.
func (in Instruction) Line() (frame int32, text []byte, ok bool) {
	if in.Kind != KindChat || len(in.Body) < 4 {
		return 0, nil, false
	}
	text, _, _ = bytes.Cut(in.Body[4:], []byte{0})
	return int32(binary.LittleEndian.Uint32(in.Body)), text, true
}

// Text makes bytes of unknown code page fit to be shown: valid UTF-8 of printable runes, without
// outer blanks. What is not UTF-8 is read as Latin-1, the most likely one of the code pages.
func Text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	runes := []rune(string(b))
	if !utf8.Valid(b) {
		runes = runes[:0]
		for _, c := range b {
			runes = append(runes, rune(c))
		}
	}
	s := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r) && r != utf8.RuneError:
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, string(runes))
	return strings.TrimSpace(s)
}
