package simhome

import (
	"net/netip"
	"testing"
)

// FuzzGameHears lets hosts of all kinds hear anything, and a client's request behind it.
func FuzzGameHears(f *testing.F) {
	f.Add([]byte(askIn), []byte(confirm))
	f.Add([]byte(lookIn), []byte("\x01\x02\x21\x01"))
	f.Add([]byte("\x01"), []byte("\x00PINGRQ\x00"))
	f.Add([]byte("\x02\x01\xFF\x09x"), []byte("\x0E\x00\x00"))
	from := netip.MustParseAddrPort("127.0.0.9:9")
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, kind := range []GameKind{GameG1, GameV05, GameRMG} {
			g := &Game{o: GameOptions{Kind: kind}, last: n02Fresh, changed: make(chan struct{})}
			for i, say := range [][]byte{a, b, a, b} {
				left := g.hear(say, from)
				if v := g.View(); left != (v.Counts.Reopened > 0) || v.Counts.Datagrams != i+1 || left && (v.State != GameIdle || v.Wedged()) {
					t.Fatalf("%+v", v)
				}
				if left {
					break
				}
			}
		}
	})
}

// FuzzSmash64Decode: whatever a host says, the script must not break.
func FuzzSmash64Decode(f *testing.F) {
	f.Add([]byte(accepted))
	f.Add([]byte("\x02\x06\x05\x10u\x00g\x00\x05\x01\x02"))
	f.Add([]byte("\x01\x00\x00\x10"))
	f.Fuzz(func(t *testing.T, b []byte) {
		messages, err := smash64Decode(b)
		if err == nil && len(b) > 0 && len(messages) != int(b[0]) {
			t.Fatalf("% x became %v", b, messages)
		}
	})
}
