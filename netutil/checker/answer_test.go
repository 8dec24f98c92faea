package checker

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var door = netip.MustParseAddrPort("198.51.100.7:27886")

// answerTable is what checkers answer: the first block is Smash64 Online's, row by row.
var answerTable = []struct {
	name   string
	status int
	body   string
	want   Answer // Address and Status are added
	reason Reason // "" = it is an answer
	detail string // part of the failure's text
}{
	{"host joined", 200, `{"message": "OK", "meta": "{\"host\": \"198.51.100.7\", \"port\": 27886, \"user\": \"Ana\", \"game\": \"SMASH\"}", "success": true}`,
		Answer{Reachable: true, Message: "OK", User: "Ana", Game: "SMASH"}, "", ""},
	{"no answer", 200, `{"message": "Unable to connect", "meta": "{\"host\": \"198.51.100.7\", \"port\": 27886}", "success": false}`,
		Answer{Message: "Unable to connect"}, "", ""},
	{"answered, then stopped", 200, `{"message": "Unable to connect", "meta": "{\"host\": \"198.51.100.7\", \"port\": 27886, \"user\": \"Ana\", \"game\": \"SMASH\"}", "success": false}`,
		Answer{Message: "Unable to connect", User: "Ana", Game: "SMASH"}, "", ""},
	{"joined without names", 200, `{"message": "OK", "meta": "{\"host\": \"198.51.100.7\", \"port\": 27886, \"user\": null, \"game\": null}", "success": true}`,
		Answer{Reachable: true, Message: "OK"}, "", ""},
	{"address not usable", 400, `{"message": "Unable to connect", "meta": "{\"host\": \"unknown\", \"port\": 27886}", "success": false}`,
		Answer{}, Refused, `answered 400 Bad Request ("Unable to connect")`},
	{"parameters not understood", 400, `{"message": "Invalid parameters", "meta": "{}", "success": false}`,
		Answer{}, Refused, "Invalid parameters"},
	{"over its time", 504, `{"message": "Endpoint request timed out"}`, Answer{}, Broken, "Endpoint request timed out"},
	{"crashed", 502, ``, Answer{}, Broken, "answered 502 Bad Gateway"},
	{"the proxy in front", 522, `<html>`, Answer{}, Broken, "522"},

	{"meta with the port as text", 200, `{"meta":"{\"host\":\"198.51.100.7\",\"port\":\"27886\"}","success":true}`, Answer{Reachable: true}, "", ""},
	{"meta empty", 200, `{"meta":"{}","success":true}`, Answer{Reachable: true}, "", ""},
	{"meta absent", 200, `{"success":false}`, Answer{}, "", ""},
	{"meta null", 200, `{"meta":null,"success":true}`, Answer{Reachable: true}, "", ""},
	{"meta not JSON", 200, `{"meta":"{","success":true}`, Answer{Reachable: true}, "", ""},
	{"meta not in a string", 200, `{"meta":{"user":"Ana"},"success":true}`, Answer{Reachable: true, User: "Ana"}, "", ""},
	{"meta of other types", 200, `{"message":7,"meta":"{\"host\":{},\"port\":[1],\"user\":1e9,\"game\":true}","success":true}`, Answer{Reachable: true}, "", ""},
	{"control characters", 200, `{"message":"O\u001b[31mK\n","meta":"{\"user\":\"A\\u0007na\\u202e\",\"game\":\"\\u0000\"}","success":true}`,
		Answer{Reachable: true, Message: "O[31mK", User: "Ana"}, "", ""},
	{"endless names", 200, `{"meta":"{\"user\":\"` + strings.Repeat("é", 500) + `\"}","success":true}`,
		Answer{Reachable: true, User: strings.Repeat("é", 128)}, "", ""},

	{"about another address", 200, `{"meta":"{\"host\":\"198.51.100.8\"}","success":true}`, Answer{}, Broken, "another address"},
	{"about another port", 200, `{"meta":"{\"port\":27887}","success":true}`, Answer{}, Broken, "another address or port"},
	{"no verdict", 200, `{"message":"OK","meta":"{}"}`, Answer{}, Broken, "no answer"},
	{"verdict of another type", 200, `{"success":"true"}`, Answer{}, Broken, "no answer"},
	{"verdict null", 200, `{"success":null}`, Answer{}, Broken, "no answer"},
	{"web page", 200, "\n<!DOCTYPE html><title>Log in to the hotel</title>", Answer{}, Broken, "a web page"},
	{"nothing", 200, " ", Answer{}, Broken, "answered with nothing"},
	{"text", 200, "Internal\x1b[2J error", Answer{}, Broken, `("Internal[2J error")`},
	{"not an object", 200, `[true]`, Answer{}, Broken, "no answer"},
	{"two values", 200, `{"success":true}{"success":true}`, Answer{}, Broken, "no answer"},
	{"too long", 200, `{"success":true}` + strings.Repeat(" ", maxAnswer), Answer{}, Broken, "more than 65536 bytes"},
	{"no content", 204, ``, Answer{}, Broken, "204"},
	{"forbidden", 403, `{"message":"Forbidden"}`, Answer{}, Refused, `("Forbidden")`},
	{"too many", 429, `{"message":"Too Many Requests"}`, Answer{}, Busy, "Too Many Requests"},
	{"overloaded", 503, ``, Answer{}, Busy, "503"},
}

func TestDecodeAnswer(t *testing.T) {
	for _, tt := range answerTable {
		t.Run(tt.name, func(t *testing.T) {
			resp := &http.Response{StatusCode: tt.status, Status: http.StatusText(tt.status)}
			got, failure := decodeAnswer(resp, []byte(tt.body), door)
			if tt.reason != "" {
				if failure == nil || failure.Reason != tt.reason || failure.Status != tt.status {
					t.Errorf("got %+v, %v; want a failure %s", got, failure, tt.reason)
				}
				return
			}
			want := tt.want
			want.Address, want.Status = door, 200
			if failure != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, failure, want)
			}
			if got.Stopped() != (tt.name == "answered, then stopped") {
				t.Errorf("Stopped() = %v", got.Stopped())
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "Fri, 20 Nov 2026 12:00:00 GMT": 0,
		"4294967295": 24 * time.Hour, "99999999999999999999": 0,
	} {
		if got := retryAfter(in); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", in, got, want)
		}
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	for _, tt := range answerTable[:12] {
		f.Add(tt.status, tt.body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		resp := &http.Response{StatusCode: status, Status: "?"}
		got, failure := decodeAnswer(resp, []byte(body), door)
		if failure != nil {
			if got != (Answer{}) || failure.Reason == "" || failure.Detail == "" || len(failure.Error()) > 1000 {
				t.Errorf("%+v with %#v", got, failure)
			}
			return
		}
		var said struct{ Success *bool }
		if json.Unmarshal([]byte(body), &said) != nil || said.Success == nil || *said.Success != got.Reachable || status != 200 {
			t.Errorf("%+v out of status %d %q", got, status, body)
		}
		for _, s := range []string{got.User, got.Game, got.Message} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName || strings.ContainsAny(s, "\x00\x1b\r\n\u202e") {
				t.Errorf("foreign text %q", s)
			}
		}
	})
}
