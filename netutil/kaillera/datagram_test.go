package kaillera

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBytes holds what is sent against what real hosts and clients were seen to send.
func TestBytes(t *testing.T) {
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"request", encode(t, 0, Request("nick", "app")), "\x01\x00\xA1\x00" + names("nick", "app")},
		{"accept", encode(t, 0, Accept("host", "game")), "\x01\x00\xA1\x10" + names("host", "game")},
		{"look", Look("nick", "app"), "\x02" + "\x01\x01\x0A" + "\x00\xA1\x00" + names("nick", "app")},
		{"confirmation", encode(t, 1, Confirm()), "\x01\x01\x01\x10"},
		{"alert", encode(t, 0, Chat(5, "Emulator/version difference alert! Game may desync!")),
			"\x01\x00\x39\x09\x05\x00\x00\x00Emulator/version difference alert! Game may desync!\x00"},
		{"chat is cut", encode(t, 0, Chat(-1, strings.Repeat("x", 300))), "\x01\x00\xFF\x09\xFF\xFF\xFF\xFF" + strings.Repeat("x", 249) + "\x00"},
		{"chat ends at NUL", encode(t, 0, Chat(0, "a\x00b")), "\x01\x00\x07\x09\x00\x00\x00\x00a\x00"},
		{"first ping", encode(t, 2, Ping(128)), "\x01\x02\x81\x01" + padded("", 128)},
		{"second's ping", encode(t, 2, Ping(32)), "\x01\x02\x21\x01" + padded("", 32)},
		{"too long a ping", encode(t, 2, Ping(1000)), "\x01\x02\xFF\x01" + padded("", 254)},
		{"long names keep their NUL", encode(t, 0, Accept(strings.Repeat("n", 40), strings.Repeat("g", 200))),
			"\x01\x00\xA1\x10" + strings.Repeat("n", 31) + "\x00" + strings.Repeat("g", 127) + "\x00"},
		{"serials wrap", encode(t, 1, Exit(), Exit(), Exit()), "\x03\x01\x01\x0A\x00\x01\x0A\xFF\x01\x0A"},
		{"PINGRQ", PingQuestion(), "\x00PINGRQ\x00"},
		{"PINGRQ's answer", PingAnswer(), "\x00xxxxxxxxxx\x00"},
		{"token question", TokenQuestion(Token{1, 15: 2}), "\x00MSG PORTSITTER\x01Q\x01" + padded("", 14) + "\x02"},
		{"token answer", TokenAnswer(Token{1, 15: 2}), "\x00MSG PORTSITTER\x01A\x01" + padded("", 14) + "\x02"},
	}
	for _, tt := range tests {
		if string(tt.got) != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, hex string
		serial    uint8
		kinds     []Kind // nil: malformed
	}{
		{"smallest accept", "01 | 00 05 10 75 00 67 00", 0, []Kind{KindAccept}},
		{"look without names", "02 | 01 01 0A | 00 01 00", 1, []Kind{KindExit, KindRequest}},
		{"serials wrap", "02 | 00 01 0A | FF 01 00", 0, []Kind{KindExit, KindRequest}},
		{"unknown kind", "01 | 07 01 7F", 7, []Kind{0x7F}},
		{"14 instructions", "0E" + ready(14, 0), 13, slices.Repeat([]Kind{KindReady}, 14)},

		{"nothing", "", 0, nil},
		{"count 0", "00 00 01 0A", 0, nil},
		{"count alone", "01", 0, nil},
		{"count and serial", "01 00", 0, nil},
		{"no type", "01 00 01", 0, nil},
		{"length 0", "01 00 00 0A", 0, nil},
		{"length beyond the end", "01 00 03 0A 00", 0, nil},
		{"length far beyond the end", "01 00 FF 0A", 0, nil},
		{"second one is missing", "02 01 01 0A", 0, nil},
		{"second one is cut", "02 01 01 0A 00 01", 0, nil},
		{"bytes left over", "01 00 01 0A 00", 0, nil},
		{"oldest first", "02 | 00 01 00 | 01 01 0A", 0, nil},
		{"serial skipped", "02 | 02 01 0A | 00 01 00", 0, nil},
		{"15 instructions", "0F" + ready(15, 0), 0, nil},
		{"Autopunch's punch", "00", 0, nil},
		{"255", "FF FF FF FF", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Decode(unhex(t, tt.hex))
			if tt.kinds == nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("got %v and %v, want ErrMalformed", d, err)
				}
				return
			}
			var got []Kind
			for _, in := range d.Instructions {
				got = append(got, in.Kind)
			}
			if err != nil || d.Serial != tt.serial || !slices.Equal(got, tt.kinds) {
				t.Errorf("serial %d, %v (%v); want serial %d, %v", d.Serial, got, err, tt.serial, tt.kinds)
			}
		})
	}
}

// ready are n READY instructions, newest first, down to the serial lowest.
func ready(n, lowest int) string {
	var b strings.Builder
	for serial := lowest + n - 1; serial >= lowest; serial-- {
		fmt.Fprintf(&b, "%02x 01 02 | ", serial)
	}
	return b.String()
}

func TestAppendRefuses(t *testing.T) {
	for name, d := range map[string]Datagram{
		"no instruction":  {},
		"15 instructions": {0, make([]Instruction, 15)},
		"long body":       {0, []Instruction{{KindData, make([]byte, 255)}}},
	} {
		if b, err := d.Append([]byte("x")); err == nil || string(b) != "x" {
			t.Errorf("%s: got %q, %v", name, b, err)
		}
	}
	if b, err := (Datagram{0, []Instruction{{KindData, make([]byte, 254)}}}).Append(nil); err != nil || len(b) != 1+3+254 {
		t.Errorf("the longest body: %d bytes, %v", len(b), err)
	}
}

func TestAfter(t *testing.T) {
	tests := []struct {
		serial, last uint8
		count, want  int // -1: dropped
	}{
		{0, 255, 1, 1}, // the first one on a fresh socket
		{1, 255, 2, 2}, // a Look on a fresh socket
		{1, 0, 2, 1},   // a Look on a half-open host: only its EXIT is new
		{1, 1, 2, 0},
		{1, 2, 2, -1},
		{13, 255, 1, 1},
		{14, 255, 1, -1},
		{9, 0, 10, 9},
		{3, 250, 3, 3}, // wraps, with a gap
	}
	for _, tt := range tests {
		got, ok := Datagram{tt.serial, make([]Instruction, tt.count)}.After(tt.last)
		if ok != (tt.want >= 0) || len(got) != max(0, tt.want) {
			t.Errorf("serial %d after %d: %d new, %v; want %d", tt.serial, tt.last, len(got), ok, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x02\x01\x01\x0A\x00\x01\x00"))
	f.Add([]byte("\x01\x00\x05\x10u\x00g\x00"))
	f.Add([]byte("\x01\x00\x07\x09\x05\x00\x00\x00x\x00"))
	f.Add([]byte("\x01\xFF\xFF\xFF\xFF\x00\x00\x00\x00\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || d.Instructions != nil {
				t.Fatalf("%v and %v", d, err)
			}
			return
		}
		for _, in := range d.Instructions {
			nick, name, _ := in.Names()
			if len(nick) > NickSize || len(name) > NameSize {
				t.Fatalf("names %q %q are too long", nick, name)
			}
			if _, text, ok := in.Line(); ok && len(text) > 250 {
				t.Fatalf("line %q is too long", text)
			}
		}
		for last := range 256 {
			d.After(uint8(last))
		}
		again, err := d.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("% x became % x (%v)", b, again, err)
		}
	})
}

// FuzzRoundTrip goes the other way: whatever can be written is read as it was.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(0), []byte("\x00request\x0Aexit"), uint8(8))
	f.Add(uint8(255), bytes.Repeat([]byte{9}, 300), uint8(200))
	f.Fuzz(func(t *testing.T, serial uint8, b []byte, size uint8) {
		d := Datagram{Serial: serial}
		for len(b) > 0 {
			n := min(len(b), 1+int(size))
			d.Instructions = append(d.Instructions, Instruction{Kind(b[0]), b[1:n]})
			b = b[n:]
		}
		wire, err := d.Append(nil)
		if fits := len(d.Instructions) >= 1 && len(d.Instructions) <= 14 && (size < 255 || len(d.Instructions[0].Body) < 255); fits != (err == nil) {
			t.Fatalf("%d instructions: %v", len(d.Instructions), err)
		}
		if err != nil {
			return
		}
		got, err := Decode(wire)
		if err != nil || got.Serial != serial || !sameInstructions(got.Instructions, d.Instructions) {
			t.Fatalf("%v became %v (%v)", d, got, err)
		}
	})
}
