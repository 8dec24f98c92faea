package publicip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

const (
	httpTimeout = 10 * time.Second
	maxBody     = 256
	maxHeader   = 16 << 10
	maxQuote    = 60 // characters of a wrong answer that are shown
)

// ErrIPv6 means that we were seen under an IPv6 address, which no port mapping leads to.
var ErrIPv6 = errors.New("that is IPv6, and only an IPv4 address helps here")

// BadAnswer is a get-ip page's answer that is not one IPv4 address. Such pages answer with status
// 200 even when they could not find out, so the text is all there is to go by.
type BadAnswer struct {
	URL   string
	What  string // what it is instead: "words", "a web page", "an IPv6 address"...
	Quote string // its beginning, at most 60 printable characters; "" for an empty answer
}

// Error says who answered what instead of an address, and where to name another server.
func (e *BadAnswer) Error() string {
	s := fmt.Sprintf("%s answered with %s", e.URL, e.What)
	if e.Quote != "" {
		s += fmt.Sprintf(" (%q)", e.Quote)
	}
	return s + " instead of an IPv4 address; if that stays so, name another page under public_ip.http"
}

// Unwrap gives ErrIPv6 for an IPv6 address, else nothing.
func (e *BadAnswer) Unwrap() error {
	if e.What == ipv6Answer {
		return ErrIPv6
	}
	return nil
}

// HTTP asks a get-ip page which address our requests come from. The answer must be one IPv4
// address as text, white space around it allowed; anything else is a *BadAnswer.
//
// It goes out over IPv4 only, from local if that is valid, through no proxy (it would tell the
// proxy's address), follows no redirect, reads at most 256 bytes and takes at most 10 s. Nothing
// of the connection is kept.
func HTTP(ctx context.Context, local netip.Addr, userAgent, url string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("get-ip address %q: %w", url, err)
	}
	if req.URL.Scheme != "https" && req.URL.Scheme != "http" || req.URL.Host == "" {
		return netip.Addr{}, fmt.Errorf("get-ip address %q does not begin with https:// and a host", url)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "text/plain")

	client := oneShotClient(local)
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("get-ip: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return netip.Addr{}, &BadAnswer{URL: url, What: "status " + clean(resp.Status), Quote: clean(resp.Header.Get("Location"))}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("get-ip: reading the answer of %s: %w", url, err)
	}
	return parseAnswer(url, body)
}

// oneShotClient is made anew for each question: they are hours apart.
func oneShotClient(local netip.Addr) *http.Client {
	d := &net.Dialer{ControlContext: throughInterfaceOf(local)}
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				return d.DialContext(ctx, "tcp4", addr)
			},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

const ipv6Answer = "an IPv6 address"

// parseAnswer takes one IPv4 address in dotted decimal and nothing else.
func parseAnswer(url string, body []byte) (netip.Addr, error) {
	text := strings.TrimSpace(string(body))
	addr, err := netip.ParseAddr(text)
	if err == nil && addr.Is4() && len(body) <= maxBody {
		return addr, nil
	}
	bad := &BadAnswer{URL: url, Quote: clean(text)}
	switch {
	case len(body) > maxBody:
		bad.What = fmt.Sprintf("more than %d bytes", maxBody)
	case text == "":
		bad.What = "nothing"
	case err == nil:
		bad.What = ipv6Answer
	case text[0] == '<':
		bad.What = "a web page"
	case text[0] == '{' || text[0] == '[':
		bad.What = "JSON"
	default:
		bad.What = "words"
	}
	return netip.Addr{}, bad
}

// clean makes foreign text fit to be shown: its first printable characters on one line.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxQuote {
			break
		}
		if unicode.IsSpace(r) {
			r = ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			continue
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}
