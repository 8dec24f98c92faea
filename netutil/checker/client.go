package checker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	prepareTimeout = 10 * time.Second // name look-up, TCP, TLS and get-ip together
	checkTimeout   = 10 * time.Second
	addressAge     = 30 * time.Second // how old the answer of get-ip may be when it is used
	maxAnswer      = 64 << 10
	maxHeader      = 16 << 10
	maxVia         = 60 // characters
)

// Client asks checkers. Its fields are not changed once it is in use.
type Client struct {
	URLs         []string         // addresses of checkers, in the order to try: https://…/kaillera/p2p-check
	UserAgent    string           // says honestly who asks, as in "Portsitter/1.2.0"
	Game         string           // "any" asks for a token instead of Kaillera's protocol; only our own server knows it
	AllowPrivate bool             // take a get-ip answer that is not public, too: for labs
	TLS          *tls.Config      // nil = trust what the system trusts
	Now          func() time.Time // nil = time.Now
	Asking       func(url string) // is told which checker is asked next; nil = nobody wants to know
}

// Hold takes the port for a stand-in that answers the checker, and returns what lets it go.
type Hold func() (release func(), err error)

// Ask asks the checkers in order until one answers. hold, if it is not nil, is called when the
// connection to a checker already stands, and released as soon as that checker has answered: a
// stand-in keeps the game from its port. An error of hold ends it all, and is returned as it is.
//
// When no checker answers, the error holds what each of them did, on one line; it is
// ErrCheckerFailed. ErrNoCheckers: there is none.
func (c *Client) Ask(ctx context.Context, local netip.Addr, port uint16, via string, hold Hold) (Answer, error) {
	if len(c.URLs) == 0 {
		return Answer{}, ErrNoCheckers
	}
	var failed error
	for _, u := range c.URLs {
		if c.Asking != nil {
			c.Asking(u)
		}
		answer, err := c.askOne(ctx, u, local, port, via, hold)
		if err == nil || !errors.Is(err, ErrCheckerFailed) {
			return answer, err
		}
		if failed != nil { // on one line: it is shown on the page
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
		if ctx.Err() != nil {
			break
		}
	}
	return Answer{}, failed
}

func (c *Client) askOne(ctx context.Context, url string, local netip.Addr, port uint16, via string, hold Hold) (Answer, error) {
	call, err := c.Prepare(ctx, url, local)
	if err != nil {
		return Answer{}, err
	}
	defer call.Close()
	if hold != nil {
		release, err := hold()
		if err != nil {
			return Answer{}, err
		}
		defer release()
	}
	return call.Check(ctx, port, via)
}

// Prepare does all that can be done before the port is needed: it looks up the checker's name,
// connects over IPv4 (from local, if that is valid), and asks its get-ip which address we have. Of
// an answer that is not a public IPv4 address it makes a *Failure. It takes 10 s at most.
//
// The caller closes the Call. Check works on it while the address is fresh: 30 s.
func (c *Client) Prepare(ctx context.Context, checkURL string, local netip.Addr) (*Call, error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	check, err := url.Parse(checkURL)
	if err != nil || check.Scheme != "https" && check.Scheme != "http" || check.Hostname() == "" {
		return nil, &Failure{URL: checkURL, Reason: BadURL, Detail: "this is not the address of a checker: it needs https:// and a host", Err: err}
	}
	call := &Call{client: c, url: checkURL, line: newLine(check, local, c.TLS)}
	if err := call.line.connect(ctx); err != nil {
		return nil, lineFailure(ctx, checkURL, "the checker cannot be reached", err)
	}
	if err := call.askAddress(ctx, getIPOf(check)); err != nil {
		call.Close()
		return nil, err
	}
	return call, nil
}

// getIPOf is the get-ip that belongs to a checker: its neighbour, ".../p2p-check" -> ".../get-ip".
func getIPOf(check *url.URL) string {
	dir := check.EscapedPath()
	dir = dir[:strings.LastIndexByte(dir, '/')+1]
	if dir == "" {
		dir = "/"
	}
	return check.Scheme + "://" + check.Host + dir + "get-ip"
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now().Round(0) // wall clock: the other one stands still while the PC sleeps
}
