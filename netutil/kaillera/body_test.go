package kaillera

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestNames(t *testing.T) {
	tests := []struct {
		name       string
		in         Instruction
		nick, game string
		ok         bool
	}{
		{"request", Request("nick", "app"), "nick", "app", true},
		{"accept", Accept("host", "game"), "host", "game", true},
		{"empty", Accept("", ""), "", "", true},
		{"no NUL at all", Instruction{KindAccept, []byte(strings.Repeat("n", 32) + strings.Repeat("g", 128))},
			strings.Repeat("n", 32), strings.Repeat("g", 128), true},
		{"longer", Instruction{KindAccept, []byte(names("host", "game") + "more")}, "host", "game", true},
		{"confirmation", Confirm(), "", "", false},
		{"short", Instruction{KindRequest, make([]byte, 159)}, "", "", false},
		{"another kind", Instruction{KindEcho, make([]byte, 160)}, "", "", false},
	}
	for _, tt := range tests {
		nick, game, ok := tt.in.Names()
		if string(nick) != tt.nick || string(game) != tt.game || ok != tt.ok {
			t.Errorf("%s: %q, %q, %v", tt.name, nick, game, ok)
		}
	}
}

func TestLine(t *testing.T) {
	if frame, text, ok := Chat(5, "hello").Line(); frame != 5 || string(text) != "hello" || !ok {
		t.Errorf("got %d, %q, %v", frame, text, ok)
	}
	if _, text, ok := (Instruction{KindChat, []byte("\x00\x00\x00\x00no NUL")}).Line(); string(text) != "no NUL" || !ok {
		t.Errorf("without NUL: %q, %v", text, ok)
	}
	for _, in := range []Instruction{{KindChat, []byte{1, 2, 3}}, Exit(), Ping(32)} {
		if _, _, ok := in.Line(); ok {
			t.Errorf("%v is no line", in)
		}
	}
}

var texts = []struct{ in, want string }{
	{"SMASH BROTHERS", "SMASH BROTHERS"},
	{"cut\x00here", "cut here"[:3]},
	{"José", "José"},
	{"Jos\xE9", "José"},  // Latin-1
	{"\x83X\x83}", "X}"}, // Shift-JIS: what of it can be shown
	{"\x1b[31mred\x07", "[31mred"},
	{"  a\tb\r\nc  ", "a b  c"},
	{"left\u202eright\u200b\ufeff", "leftright"}, // text direction, invisible
	{"\ufffd", ""},
	{"<b>", "<b>"}, // the page's business
	{"", ""},
}

func TestText(t *testing.T) {
	for _, tt := range texts {
		if got := Text([]byte(tt.in)); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, tt := range texts {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Text(b)
		if !utf8.ValidString(s) || len(s) > 2*len(b) || s != Text([]byte(s)) {
			t.Fatalf("%q became %q", b, s)
		}
		for _, r := range s {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q became %q with %U", b, s, r)
			}
		}
	})
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]Kind{}
	for _, k := range []Kind{
		KindRequest, KindPing, KindReady, KindSyncDelay, KindLoad, KindStart, KindData, KindDrop, KindChat, KindExit,
		KindAccept, KindEcho, KindNotReady, KindSyncForce, KindLoaded, KindReject, KindSyncCheck, KindSyncAdjust, 0x7F,
	} {
		if other, ok := seen[k.String()]; ok || k.String() == "" {
			t.Errorf("%#x and %#x are both %q", byte(k), byte(other), k)
		}
		seen[k.String()] = k
	}
	if got := Kind(0x7F).String(); got != "kind 0x7f" {
		t.Errorf("got %q", got)
	}
}
