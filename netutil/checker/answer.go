package checker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	maxQuote = 60  // characters of a wrong answer that are shown
	maxName  = 128 // characters of the host's and the game's name
)

// Answer is what a checker found out about the port. Its texts come from the other side; they are
// cut to 128 printable characters.
type Answer struct {
	Reachable bool
	Address   netip.AddrPort // what was checked
	User      string         // how the host calls itself; "" when nothing answered
	Game      string         // which game it hosts
	Message   string         // the checker's own words
	Status    int            // HTTP status
	Checker   string         // its URL
}

// Stopped reports that something answered and then fell silent: packets do come in, but the host
// could not go through with it. It may be left waiting for the checker, and then answers nobody
// until its user hosts again.
func (a Answer) Stopped() bool { return !a.Reachable && (a.User != "" || a.Game != "") }

// decodeAnswer reads the answer to the question about asked. Everything that is not clearly a
// finding is a failure of the checker.
func decodeAnswer(resp *http.Response, body []byte, asked netip.AddrPort) (Answer, *Failure) {
	if resp.StatusCode != http.StatusOK {
		return Answer{}, statusFailure(resp, body)
	}
	var r struct{ Message, Meta, Success json.RawMessage }
	if len(body) > maxAnswer || json.Unmarshal(body, &r) != nil {
		return Answer{}, notAnAnswer(resp, body)
	}
	answer := Answer{Address: asked, Message: text(r.Message, maxName), Status: resp.StatusCode}
	switch string(r.Success) {
	case "true":
		answer.Reachable = true
	case "false":
	default:
		return Answer{}, notAnAnswer(resp, body)
	}
	m := decodeMeta(r.Meta)
	if m.host.IsValid() && m.host != asked.Addr() || m.port != 0 && m.port != asked.Port() {
		return Answer{}, &Failure{Reason: Broken, Status: resp.StatusCode,
			Detail: fmt.Sprintf("was asked about %v and answered about another address or port", asked)}
	}
	answer.User, answer.Game = m.user, m.game
	return answer, nil
}

// meta is what the checker says about the host; the zero value where it does not.
type meta struct {
	host       netip.Addr
	port       uint16
	user, game string
}

// decodeMeta reads the JSON inside the JSON string, leniently: nothing of it is needed, all of it
// may be missing, and the port comes as a number or as text.
func decodeMeta(raw json.RawMessage) meta {
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	var fields struct{ Host, Port, User, Game json.RawMessage }
	if json.Unmarshal(raw, &fields) != nil {
		return meta{}
	}
	m := meta{user: text(fields.User, maxName), game: text(fields.Game, maxName)}
	m.host, _ = netip.ParseAddr(text(fields.Host, maxName))
	m.port, _ = decodePort(fields.Port)
	return m
}

// decodePort reads a port, written as a number or as text.
func decodePort(raw json.RawMessage) (uint16, bool) {
	n, err := strconv.ParseUint(strings.Trim(string(raw), `"`), 10, 16)
	return uint16(n), err == nil
}

// text reads a JSON string, "" for anything else.
func text(raw json.RawMessage, n int) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return clean(s, n)
}

// statusFailure sorts an answer by its HTTP status, which is not 200.
func statusFailure(resp *http.Response, body []byte) *Failure {
	f := &Failure{Reason: Broken, Status: resp.StatusCode, Detail: "answered " + clean(resp.Status, maxQuote)}
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		f.Reason = Busy
		f.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	case code >= 300 && code < 500:
		f.Reason = Refused
	}
	if to := resp.Header.Get("Location"); to != "" {
		f.Detail += " to " + strconv.Quote(clean(to, maxQuote))
	}
	var r struct{ Message json.RawMessage }
	if json.Unmarshal(body, &r) == nil {
		if said := text(r.Message, maxName); said != "" {
			f.Detail += " (" + strconv.Quote(said) + ")"
		}
	}
	return f
}

// retryAfter reads the header of that name where it is a number of seconds (RFC 9110, 10.2.3); more
// than a day is taken for a day.
func retryAfter(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, 24*time.Hour)
}

func notAnAnswer(resp *http.Response, body []byte) *Failure {
	what := "something that is no answer"
	switch start := strings.TrimSpace(string(body[:min(len(body), 512)])); {
	case len(body) > maxAnswer:
		what = fmt.Sprintf("more than %d bytes", maxAnswer)
	case start == "":
		what = "nothing"
	case start[0] == '<':
		what = "a web page"
	default:
		what += " (" + strconv.Quote(clean(start, maxQuote)) + ")"
	}
	return &Failure{Reason: Broken, Status: resp.StatusCode, Detail: "answered with " + what}
}
