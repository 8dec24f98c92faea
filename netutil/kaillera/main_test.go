package kaillera

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// unhex reads bytes as the protocol's descriptions write them; | and blanks separate.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// padded is a fixed field, as it stands on the wire.
func padded(s string, n int) string { return s + strings.Repeat("\x00", n-len(s)) }

// names is the body of a request or an accept.
func names(nick, name string) string { return padded(nick, 32) + padded(name, 128) }

func encode(t *testing.T, serial uint8, in ...Instruction) []byte {
	t.Helper()
	b, err := Datagram{serial, in}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sameInstructions(a, b []Instruction) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Kind != b[i].Kind || !bytes.Equal(a[i].Body, b[i].Body) {
			return false
		}
	}
	return true
}
