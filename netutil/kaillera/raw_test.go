package kaillera

import (
	"errors"
	"testing"
)

func TestSortRaw(t *testing.T) {
	token := Token{1, 2, 3}
	wrongVersion, wrongTag := TokenQuestion(token), TokenQuestion(token)
	wrongVersion[len(tokenMagic)]++
	wrongTag[len(tokenMagic)+1] = 'X'
	tests := []struct {
		in   string
		want Raw
	}{
		{"", NotRaw},
		{"\x01\x00\x01\x0A", NotRaw},
		{"\x00", RawNothing},
		{"\x00\x00\x00\x00\x00", RawNothing},
		{"\x00PINGRQ\x00", RawPing},
		{"\x00PINGRQ", RawPing},
		{"\x00PINGRQ2", RawText},
		{"\x00xxxxxxxxxx\x00", RawPong},
		{"\x00xxxxxxxxxx", RawPong},
		{"\x00xxxxxxxxx\x00", RawText},
		{string(TokenQuestion(token)), RawTokenQuestion},
		{string(TokenAnswer(token)), RawTokenAnswer},
		{string(TokenAnswer(token)[1:]), NotRaw},
		{string(TokenAnswer(token)[:30]), RawText},
		{string(TokenAnswer(token)) + "x", RawText},
		{string(wrongVersion), RawText},
		{string(wrongTag), RawText},
		{"\x00\x00\x02\x00\x00\x00", RawControl},
		{"\x00IPIS 203.0.113.7\x00", RawText},
		{"\x00N02TRAV1|REG|1", RawText},
	}
	for _, tt := range tests {
		if got := SortRaw([]byte(tt.in)); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.in, got, tt.want)
		}
	}
	if got := TokenOf(TokenAnswer(token)); got != token {
		t.Errorf("the token became %x", got)
	}
	if got := TokenOf(wrongTag); got != (Token{}) {
		t.Errorf("no token, but %x", got)
	}
	if a, b := NewToken(), NewToken(); a == b || a == (Token{}) {
		t.Error("tokens can be guessed")
	}
}

func FuzzSortRaw(f *testing.F) {
	f.Add([]byte(pingQuestion))
	f.Add([]byte(pingAnswer))
	f.Add(TokenQuestion(Token{}))
	f.Add([]byte("\x00\x00\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		sort, token := SortRaw(b), TokenOf(b)
		if (sort == NotRaw) != (len(b) == 0 || b[0] != 0) {
			t.Fatalf("% x: %d", b, sort)
		}
		switch sort {
		case RawTokenQuestion:
			if string(TokenQuestion(token)) != string(b) {
				t.Fatalf("% x has token %x", b, token)
			}
		case RawTokenAnswer:
			if string(TokenAnswer(token)) != string(b) {
				t.Fatalf("% x has token %x", b, token)
			}
		}
	})
}

func TestDecodeFramed(t *testing.T) {
	request := "\x01\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xA1\x00\x00" + names("nick", "app")
	f, err := DecodeFramed([]byte(request))
	if err != nil || len(request) != 172 || f.Serial != 0 || f.Ack != 0xFFFFFFFF {
		t.Fatalf("%d bytes: %+v, %v", len(request), f, err)
	}
	in, ok := f.Request()
	if nick, app, named := in.Names(); !ok || !named || string(nick) != "nick" || string(app) != "app" {
		t.Errorf("request %v: %q, %q", ok, nick, app)
	}
	if in, ok := f.Answer(); ok {
		t.Errorf("%v is no answer", in)
	}
	tests := []struct {
		name, hex string
		answer    Kind
		ok        bool
	}{
		{"accept", "01 FEFFFFFF FFFFFFFF 0300 10 7500", KindAccept, true},
		{"reject with words", "02 FEFFFFFF FFFFFFFF 0200 01 00 | 0300 20 6E6F", KindReject, true},
		{"count 0", "00 FEFFFFFF FFFFFFFF 0100 10", 0, false},
		{"count 16", "10 FEFFFFFF FFFFFFFF 0100 10", 0, false},
		{"header alone", "01 FEFFFFFF FFFFFFFF", 0, false},
		{"length 0", "01 FEFFFFFF FFFFFFFF 0000 10", 0, false},
		{"length beyond the end", "01 FEFFFFFF FFFFFFFF FFFF 10", 0, false},
		{"second one is missing", "02 FEFFFFFF FFFFFFFF 0100 10", 0, false},
		{"bytes left over", "01 FEFFFFFF FFFFFFFF 0100 10 00", 0, false},
	}
	for _, tt := range tests {
		f, err := DecodeFramed(unhex(t, tt.hex))
		if got := err == nil; got != tt.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", tt.name, f, err)
			continue
		}
		if in, ok := f.Answer(); ok != tt.ok || in.Kind != tt.answer {
			t.Errorf("%s: answer %v, %v", tt.name, in, ok)
		}
	}
}

func FuzzDecodeFramed(f *testing.F) {
	f.Add([]byte("\x01\xFF\xFF\xFF\xFF\x00\x00\x00\x00\x01\x00\x00"))
	f.Add([]byte("\x02\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02\x00\x01\x00\x03\x00\x20no"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeFramed(b)
		if err != nil {
			return
		}
		total := 9
		for _, in := range d.Instructions {
			total += 3 + len(in.Body)
		}
		if total != len(b) || len(d.Instructions) > maxFramed {
			t.Fatalf("% x became %+v", b, d)
		}
	})
}
