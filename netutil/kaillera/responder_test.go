package kaillera

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

var (
	checker  = netip.MustParseAddrPort("203.0.113.9:40000")
	stranger = netip.MustParseAddrPort("198.51.100.7:27886")
	noon     = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
)

// The answers, byte for byte.
var (
	acceptBytes   = "\x01\x00\xA1\x10" + names("Portsitter", "port test")
	farewellBytes = "\x02\x02\x01\x0A\x01\x1D\x09\x00\x00\x00\x00port test, no game here\x00"
)

// talk is one datagram and what has to be answered.
type talk struct {
	from netip.AddrPort
	say  string
	want string
}

// history repeats all instructions up to the n-th, as Smash64's checker does.
func history(n int, all ...Instruction) string {
	newest := slices.Clone(all[:n])
	slices.Reverse(newest)
	return string(mustEncode(uint8(n-1), newest...))
}

// What a checker and a player send.
var (
	request = Request("smash64.online", "p2p-checker-bot")
	line    = Chat(5, "\n")
	smash   = []Instruction{request, Confirm(), line, line, line, line, line, line, line, Exit()}
	player  = []Instruction{Request("Mario", "Project64k"), Confirm(), Ping(128), Chat(5, "Using version: v0r6")}
	lookIn  = string(Look("Portsitter", "port test"))
)

var responderCases = []struct {
	name  string
	talks []talk
	want  Report
}{
	{"PINGRQ", []talk{{checker, pingQuestion, "\x00xxxxxxxxxx\x00"}},
		Report{Visitors: []Visitor{{checker, CheckPing, 1, false}}, Answers: 1}},
	{"token", []talk{{checker, string(TokenQuestion(Token{7})), string(TokenAnswer(Token{7}))}},
		Report{Visitors: []Visitor{{checker, CheckToken, 1, false}}, Answers: 1}},
	{"look, and again", []talk{{checker, lookIn, acceptBytes}, {checker, lookIn, acceptBytes}},
		Report{Visitors: []Visitor{{checker, CheckLook, 2, false}}, Answers: 2}},
	{"Smash64's checker", []talk{
		{checker, history(1, smash...), acceptBytes},
		{checker, history(2, smash...), "\x00"},
		{checker, history(3, smash...), "\x00"},
		{checker, history(4, smash...), "\x00"},
		{checker, history(10, smash...), ""},
	}, Report{Visitors: []Visitor{{checker, CheckJoin, 5, true}}, Answers: 4}},
	{"it asks again", []talk{
		{checker, history(1, request), acceptBytes},
		{checker, history(2, request, request), acceptBytes},
		{checker, history(2, request, request), acceptBytes},
		{checker, history(3, request, request, Confirm()), "\x00"},
	}, Report{Visitors: []Visitor{{checker, CheckJoin, 4, true}}, Answers: 4}},
	{"its first packets got lost", []talk{{checker, history(2, smash...), acceptBytes}},
		Report{Visitors: []Visitor{{checker, CheckJoin, 1, false}}, Answers: 1}},
	{"player", []talk{
		{stranger, history(1, player...), acceptBytes},
		{stranger, history(2, player...), "\x00"},
		{stranger, history(3, player...), farewellBytes},
		{stranger, history(4, player...), "\x00"},
		{stranger, string(mustEncode(99, Ping(32))), ""}, // out of the window
		{stranger, string(mustEncode(4, Ping(32))), farewellBytes},
		{stranger, string(mustEncode(5, Exit())), ""},
		{stranger, string(mustEncode(6, Ping(32))), ""}, // he is forgotten
	}, Report{Visitors: []Visitor{{stranger, CheckPlayer, 6, true}}, Players: 1, Strangers: 2, Answers: 5}},
	{"G3 player", []talk{{stranger, "\x01\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xA1\x00\x00" + names("n", "a"), ""}},
		Report{Visitors: []Visitor{{stranger, CheckPlayer, 1, false}}, Players: 1}},
	{"strangers", []talk{
		{stranger, "", ""},
		{stranger, "\x00", ""},
		{stranger, "\x01", ""},
		{stranger, "\x00IPIS 203.0.113.7\x00", ""},
		{stranger, string(PingAnswer()), ""},
		{stranger, string(TokenAnswer(Token{7})), ""},
		{stranger, "GET / HTTP/1.1\r\n\r\n", ""},
		{stranger, string(mustEncode(3, Ping(32))), ""},                    // a leftover peer
		{stranger, string(mustEncode(99, Request("n", "a"))), ""},          // out of the window
		{stranger, string(mustEncode(0, Chat(0, "hello"))), ""},            // never asked
		{stranger, string(mustEncode(0, Exit())), ""},                      // likewise
		{stranger, "\x01\xFF\xFF\xFF\xFF\x00\x00\x00\x00\x01\x00\x0A", ""}, // G3, no request
	}, Report{Strangers: 12}},
	{"both at once", []talk{
		{checker, history(1, smash...), acceptBytes},
		{stranger, history(1, player...), acceptBytes},
		{checker, history(2, smash...), "\x00"},
		{stranger, history(3, player...), farewellBytes},
		{checker, history(3, smash...), "\x00"},
	}, Report{Visitors: []Visitor{{checker, CheckJoin, 3, true}, {stranger, CheckPlayer, 2, true}}, Players: 1, Answers: 5}},
}

func TestResponder(t *testing.T) {
	for _, tt := range responderCases {
		t.Run(tt.name, func(t *testing.T) {
			r := newResponder()
			for i, k := range tt.talks {
				if got := r.reply([]byte(k.say), k.from, noon); string(got) != k.want {
					t.Errorf("answer %d:\n got %q\nwant %q", i+1, got, k.want)
				}
			}
			got := r.report()
			if !slices.Equal(got.Visitors, tt.want.Visitors) || got.Players != tt.want.Players ||
				got.Strangers != tt.want.Strangers || got.Answers != tt.want.Answers {
				t.Errorf("report:\n got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestNoAmplification sends what gets the longest answers for the fewest bytes.
func TestNoAmplification(t *testing.T) {
	cheap := []string{pingQuestion[:7], "\x01\x00\x01\x00", "\x02\x01\x01\x0A\x00\x01\x00", "\x02\x01\x01\x01\x00\x01\x00", "\x01\x02\x01\x01"}
	for _, say := range cheap {
		r := newResponder()
		in, out := 0, 0
		for range 1000 {
			in += len(say)
			out += len(r.reply([]byte(say), stranger, noon))
			if 2*out > 3*in {
				t.Fatalf("%q: %d bytes for %d", say, out, in)
			}
		}
	}
}

func TestResponderBounds(t *testing.T) {
	t.Run("answers to one", func(t *testing.T) {
		r := newResponder()
		for range 10 * maxAnswersEach {
			r.reply(PingQuestion(), stranger, noon)
		}
		if rep := r.report(); rep.Answers != maxAnswersEach {
			t.Errorf("%d answers, want %d", rep.Answers, maxAnswersEach)
		}
	})
	t.Run("visitors, and answers in a second", func(t *testing.T) {
		r := newResponder()
		now := noon
		for i := range 3000 {
			from := netip.AddrPortFrom(stranger.Addr(), uint16(i))
			if r.reply(PingQuestion(), from, now.Add(time.Duration(i)*time.Microsecond)) != nil && i >= maxAnswersSecond {
				t.Fatalf("answer %d within the second", i)
			}
		}
		rep := r.report()
		if rep.Answers != maxAnswersSecond || len(r.visitors) != maxVisitors || len(rep.Visitors) != maxVisitors {
			t.Errorf("%d answers, %d visitors", rep.Answers, len(rep.Visitors))
		}
		if first, last := rep.Visitors[0].From.Port(), rep.Visitors[maxVisitors-1].From.Port(); first != 3000-maxVisitors || last != 2999 {
			t.Errorf("visitors %d to %d are left, want the latest", first, last)
		}
		if r.reply(PingQuestion(), checker, now.Add(2*time.Second)) == nil {
			t.Error("no answer in the next second")
		}
	})
}

func FuzzResponder(f *testing.F) {
	f.Add(Look("n", "a"), PingQuestion(), []byte("\x02\x02\x01\x01\x01\x01\x10"))
	f.Add([]byte("\x01\x00\xA1\x00"+names("n", "a")), []byte("\x01\x01\x01\x10"), []byte("\x01\x02\x01\x0A"))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		r := newResponder()
		in, out := 0, 0
		for _, say := range [][]byte{a, b, c, a, b, c} {
			in += len(say)
			out += len(r.reply(say, stranger, noon))
		}
		if rep := r.report(); 2*out > 3*in || len(rep.Visitors) > 1 || rep.Players > len(rep.Visitors) || rep.Answers > 6 {
			t.Fatalf("%d bytes for %d, %+v", out, in, rep)
		}
	})
}
