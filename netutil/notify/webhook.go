package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	tries       = 4
	tryTimeout  = 5 * time.Second
	firstPause  = 2 * time.Second
	longestWait = 30 * time.Second // between two tries, whatever Retry-After says
	maxAddress  = 2048
	maxAnswer   = 4 << 10
)

// post tells one webhook, and names it without its secret.
func (s Sender) post(ctx context.Context, w Webhook, n News) (receiver string, failure *Failure) {
	address, failure := w.address()
	if failure != nil {
		return w.place(), failure
	}
	u, failure := parseAddress(address)
	if failure != nil {
		return w.place(), failure
	}
	receiver = w.kind() + " at " + u.Scheme + "://" + u.Host
	m, ok := messageFor(w.kind(), n)
	if !ok {
		return receiver, &Failure{Text: "there is no kind of webhook " + strconv.Quote(clean(w.Kind, 40)), Final: true}
	}
	for try := 1; ; try++ {
		failure := s.postOnce(ctx, u, m)
		if failure == nil || failure.Final || ctx.Err() != nil {
			return receiver, failure
		}
		pause := time.Duration(s.random() * float64(min(firstPause<<(try-1), longestWait))) // full jitter
		pause = max(pause, failure.Retry)
		if try == tries || pause > longestWait || !s.pause(ctx, pause) {
			return receiver, failure
		}
	}
}

// postOnce sends one request: over no proxy, following no redirect, and waiting 5 s at most.
func (s Sender) postOnce(ctx context.Context, u *url.URL, m message) *Failure {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.body))
	if err != nil {
		return &Failure{Text: "its address cannot be used: copy it again", Final: true}
	}
	req.Header = m.header.Clone()
	req.Header.Set("User-Agent", s.UserAgent)
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return &Failure{Text: whyNot(err)}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // its words may repeat the address: nobody reads them
	switch c := resp.StatusCode; {
	case c/100 == 2:
		return nil
	case c/100 == 3:
		return &Failure{Text: fmt.Sprintf("it answers %d, a redirect, which is not followed: write the address that it leads to", c), Final: true}
	case c == http.StatusTooManyRequests, c == http.StatusRequestTimeout, c/100 == 5:
		return &Failure{Text: fmt.Sprintf("it answers %d: it is tried again later", c), Retry: after(resp.Header.Get("Retry-After"))}
	default:
		return &Failure{Text: fmt.Sprintf("it answers %d: is the address still right, and of this kind?", c), Final: true}
	}
}

// after reads a Retry-After header (RFC 9110 section 10.2.3).
func after(value string) time.Duration {
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil { // Discord sends fractions
		if seconds > 0 && seconds < 1e6 {
			return time.Duration(seconds * float64(time.Second))
		}
		return 0
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// parseAddress takes an address of a webhook, wherever it comes from.
func parseAddress(address string) (*url.URL, *Failure) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || len(address) > maxAddress {
		return nil, &Failure{Text: "what stands there is no web address: it has to be https://NAME/… and nothing else", Final: true}
	}
	return u, nil
}

// readAddress reads a file that holds an address.
func readAddress(path string) (string, *Failure) {
	f, err := os.Open(path)
	if err != nil {
		why := err
		if inner := new(os.PathError); errors.As(err, &inner) {
			why = inner.Err
		}
		return "", &Failure{Text: fmt.Sprintf("the file cannot be read (%v): let the user that Portsitter runs as read it", why)}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAddress+2))
	if err != nil {
		return "", &Failure{Text: "the file cannot be read: it has to be a plain file with the address in it"}
	}
	return strings.TrimSpace(string(text)), nil
}

// whyNot says what went wrong, in words of our own only: Go's errors of an HTTP request hold its
// whole address, and what a server sends instead of HTTP may repeat it.
func whyNot(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return "it was called off"
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return fmt.Sprintf("it did not answer within %v", tryTimeout)
	case errors.As(err, &dns):
		return "its name cannot be looked up: is this PC online, and the name right?"
	case errors.As(err, &cert):
		return "its certificate is not trusted: is the name right, and the clock of this PC?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody answers there (connection refused)"
	case errors.As(err, new(*net.OpError)):
		return "it cannot be reached: is this PC online?"
	case errors.As(err, new(tls.RecordHeaderError)):
		return "it does not speak HTTPS there: write http://, or another port"
	}
	return "it does not answer as a web server does"
}
