package kaillera

import (
	"testing"
	"time"
)

// Words of the hosts below.
const ms = time.Millisecond

var (
	pong   = string(PingAnswer())
	accept = "\x01\x00\xA1\x10" + names("Jos\xE9", "SMASH\tBROTHERS")
	alert  = "\x01\x00\x0A\x09\x05\x00\x00\x00oops\x00"
	// Both, as a host sends them to another emulator.
	alerted = "\x02\x01\xA1\x10" + names("Jos\xE9", "SMASH\tBROTHERS") + alert[1:]
	reject  = "\x01\x00\x01\x20"
	framed  = "\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xA1\x00\x10" + names("nick", "game")
	closed  = "port closed" // comes as an error
	stall   = "take 900 ms" // keeps the probe from anything else
)

// onLook answers the n-th Look, onPing the n-th PINGRQ; from 0 the rest likewise.
func onLook(n int, r ...reply) answerer { return onNth(Look("Portsitter", "port test"), n, r) }
func onPing(n int, r ...reply) answerer { return onNth(PingQuestion(), n, r) }

// What hosts come to.
var (
	joined = Result{Answered: true, Accepted: true, Generation: G1, Nick: "José", Game: "SMASH BROTHERS"}
	ponged = Result{Answered: true, Generation: G2OrG3}
)

var probeCases = []struct {
	name string
	ask  Ask
	host []answerer
	want Result // without Tries
	ends time.Duration
}{
	{"silence", AskLeast, nil, Result{}, 6000 * ms},
	{"silence on PINGRQ", AskPing, nil, Result{}, 6000 * ms},
	{"silence on the token", AskToken, nil, Result{}, 6000 * ms},

	{"G1", AskLeast, on(onLook(1, reply{100 * ms, accept})), rtt(joined, 100), 600 * ms},
	{"G1 with another emulator", AskLeast, on(onLook(1, reply{100 * ms, alert}, reply{105 * ms, alerted})), rtt(joined, 100), 605 * ms},
	{"only the alert came through", AskLeast, on(onLook(1, reply{100 * ms, alert})),
		Result{Answered: true, Accepted: true, Generation: G1, RTT: 100 * ms}, 1100 * ms},
	{"only what came behind it", AskLeast, on(onLook(1, reply{105 * ms, alerted})), rtt(joined, 105), 605 * ms},
	{"four tries lost", AskLeast, on(onLook(5, reply{100 * ms, accept})), rtt(joined, 100), 4600 * ms},
	{"late accept", AskLeast, on(onLook(1, reply{1400 * ms, accept})), rtt(joined, 400), 1900 * ms},
	{"reject", AskLeast, on(onLook(1, reply{100 * ms, reject})), Result{Answered: true, Generation: G1, RTT: 100 * ms}, 600 * ms},

	{"G2", AskLeast, on(onPing(1, reply{80 * ms, pong})), rtt(ponged, 80), 80 * ms},
	{"G2, PINGRQ lost twice", AskLeast, on(onPing(3, reply{80 * ms, pong}), onLook(1, reply{90 * ms, accept})), rtt(ponged, 80), 580 * ms},
	{"G2 on the other side of the world", AskLeast, on(onPing(1, reply{700 * ms, pong}), onLook(1, reply{700 * ms, accept})),
		rtt(ponged, 200), 700 * ms},
	{"G2, names wanted", AskJoin, on(onPing(1, reply{80 * ms, pong}), onLook(1, reply{80 * ms, accept})),
		rtt(generation(joined, G2), 80), 160 * ms},
	{"G2, names wanted, first Look lost", AskJoin, on(onPing(1, reply{80 * ms, pong}), onLook(2, reply{80 * ms, accept})),
		rtt(generation(joined, G2), 80), 1160 * ms},
	{"G2 with a player", AskJoin, on(onPing(1, reply{80 * ms, pong})), rtt(ponged, 80), 6000 * ms},
	{"G1, names wanted", AskJoin, on(onLook(1, reply{100 * ms, accept})), rtt(joined, 100), 600 * ms},
	{"PINGRQ alone", AskPing, on(onPing(2, reply{80 * ms, pong})), rtt(ponged, 80), 330 * ms},
	{"G3 answers", AskLeast, on(onLook(1, reply{100 * ms, framed})),
		Result{Answered: true, Accepted: true, Generation: G3, Nick: "nick", Game: "game"}, 600 * ms},

	{"closed", AskLeast, on(onPing(0, reply{50 * ms, closed})), Result{Refused: true}, 300 * ms},
	{"closed, most refusals lost", AskLeast, on(onPing(3, reply{50 * ms, closed}), onLook(1, reply{60 * ms, closed}), onLook(3, reply{50 * ms, closed})),
		Result{Refused: true}, 2550 * ms},
	{"one refusal in all", AskLeast, on(onPing(2, reply{50 * ms, closed})), Result{Refused: true}, 6000 * ms},
	{"just opened", AskLeast, on(onPing(1, reply{50 * ms, closed}), onPing(2, reply{50 * ms, pong})), rtt(ponged, 50), 300 * ms},
	{"met closing twice", AskLeast, on(onLook(1, reply{60 * ms, closed}, reply{70 * ms, closed}), onLook(2, reply{50 * ms, accept})),
		rtt(joined, 50), 1550 * ms},
	{"answered, then closed", AskJoin, on(onPing(1, reply{50 * ms, pong}), onLook(0, reply{50 * ms, closed})), rtt(ponged, 50), 6000 * ms},

	{"accept without being asked", AskPing, on(onPing(0, reply{50 * ms, accept})), Result{}, 6000 * ms},
	{"rubbish", AskLeast, on(onPing(0, reply{10 * ms, ""}, reply{20 * ms, "\x01"}, reply{30 * ms, "\x00hello world"}, reply{40 * ms, "\xff\xff"})),
		Result{}, 6000 * ms},
	{"its own datagrams back", AskToken, on(onNth(nil, 0, []reply{{10 * ms, string(TokenAnswer(Token{1}))}, {20 * ms, pong}, {30 * ms, accept}})),
		Result{}, 6000 * ms},
}

// TestProbe runs probes of six virtual seconds against hosts that answer after a delay or not at all.
func TestProbe(t *testing.T) {
	for _, tt := range probeCases {
		t.Run(tt.name, func(t *testing.T) {
			run := probeVirtually(t, ProbeOptions{Ask: tt.ask}, tt.host)
			if run.err != nil {
				t.Fatal(run.err)
			}
			tt.want.Tries = len(run.sent)
			if tt.want.Generation == G3 {
				run.res.RTT = 0
			}
			if run.res != tt.want || run.took != tt.ends {
				t.Errorf("after %v: %+v\nwant after %v: %+v", run.took, run.res, tt.ends, tt.want)
			}
			for _, s := range run.sent {
				if s.what == other {
					t.Errorf("sent something else at %v", s.at)
				}
			}
		})
	}
}

func on(a ...answerer) []answerer { return a }

func rtt(r Result, millis int) Result { r.RTT = time.Duration(millis) * ms; return r }

func generation(r Result, g Generation) Result { r.Generation = g; return r }
