package checker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Call is a connection to a checker that stands, and the address under which it sees us. It is used
// by one goroutine at a time.
type Call struct {
	client *Client
	url    string
	line   *line
	host   netip.Addr
	asked  time.Time
}

// Host is the address under which the checker sees us, and the one it will be asked to check.
func (call *Call) Host() netip.Addr { return call.host }

// Close ends the connection.
func (call *Call) Close() { call.line.close() }

// Check asks whether port can be reached under Host. via is free text that the checker shows to the
// host's user: printable ASCII, at most 60 characters, the rest is left out. It takes 10 s at most.
//
// Only an Answer says anything about the port. Every error is a *Failure. The question is sent
// once: no failure makes it be sent again.
func (call *Call) Check(ctx context.Context, port uint16, via string) (Answer, error) {
	if age := call.client.now().Sub(call.asked); age > addressAge || age < 0 {
		return Answer{}, &Failure{URL: call.url, Reason: Stale, Detail: fmt.Sprintf("our address was asked %v ago and may be another one by now", age)}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	question, err := json.Marshal(struct {
		Host string `json:"host"` // never "self": for a visitor over IPv6 that is an address nobody can check
		Port uint16 `json:"port"`
		Via  string `json:"via,omitempty"`
		Game string `json:"game,omitempty"`
	}{call.host.String(), port, ascii(via, maxVia), call.client.Game})
	if err != nil {
		return Answer{}, &Failure{URL: call.url, Reason: Broken, Detail: "the question cannot be written", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.url, bytes.NewReader(question))
	if err != nil {
		return Answer{}, &Failure{URL: call.url, Reason: BadURL, Detail: "this is not the address of a checker", Err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, body, err := call.send(req, maxAnswer)
	if err != nil {
		return Answer{}, lineFailure(ctx, call.url, "no answer to the check", err)
	}
	answer, failure := decodeAnswer(resp, body, netip.AddrPortFrom(call.host, port))
	if failure != nil {
		failure.URL = call.url
		return Answer{}, failure
	}
	answer.Checker = call.url
	return answer, nil
}

// askAddress asks get-ip and keeps the connection, or makes a new one where the checker hung up.
func (call *Call) askAddress(ctx context.Context, getIP string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, getIP, nil)
	if err != nil {
		return &Failure{URL: getIP, Reason: BadURL, Detail: "this is not the address of a checker", Err: err}
	}
	req.Header.Set("Accept", "text/plain")
	resp, body, err := call.send(req, maxAnswer)
	if err != nil {
		return lineFailure(ctx, getIP, "the checker does not tell our address", err)
	}
	call.asked = call.client.now()
	if resp.StatusCode != http.StatusOK {
		f := statusFailure(resp, body)
		f.URL = getIP
		return f
	}
	text := strings.TrimSpace(string(body))
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() || !call.client.AllowPrivate && !isPublic(addr) {
		return &Failure{URL: getIP, Reason: NoAddress, Status: resp.StatusCode,
			Detail: fmt.Sprintf("answered %q, which is not a public IPv4 address", clean(text, maxQuote))}
	}
	call.host = addr
	if resp.Close {
		if err := call.line.connect(ctx); err != nil {
			return lineFailure(ctx, call.url, "the checker hung up and cannot be reached again", err)
		}
	}
	return nil
}

// send sends one request and reads the answer, of which at most limit bytes may come.
func (call *Call) send(req *http.Request, limit int64) (*http.Response, []byte, error) {
	req.Header.Set("User-Agent", call.client.UserAgent)
	resp, err := call.line.transport.RoundTrip(req) // not http.Client: no redirect, no cookie
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, nil, err
	}
	return resp, body, nil
}

// ascii keeps the first n printable ASCII characters. A checker may put them into a Kaillera chat,
// which knows no other characters for certain.
func ascii(s string, n int) string {
	b := make([]byte, 0, n)
	for _, c := range []byte(s) {
		if len(b) < n && c >= ' ' && c <= '~' {
			b = append(b, c)
		}
	}
	return string(b)
}
