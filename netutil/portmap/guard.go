package portmap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	// httpTimeout bounds one whole request, from the dial to the last byte of the answer.
	httpTimeout = 5 * time.Second
	// maxHTTPBody bounds an answer. Real descriptions are 2 to 20 KiB.
	maxHTTPBody = 256 << 10
	// maxHTTPHeader bounds the header of an answer.
	maxHTTPHeader = 16 << 10
	userAgent     = "Portsitter UPnP/1.1"
)

var (
	errNotGateway = errors.New("refused to leave for an address that is not the gateway")
	errTooBig     = fmt.Errorf("the answer is larger than %d KiB", maxHTTPBody>>10)
	errRedirect   = errors.New("the answer is a redirect, which is never followed")
)

// guard is the only way by which UPnP speaks HTTP. Whatever a description says, a request goes to
// the gateway or nowhere: no proxy, no redirect, no name look-up, no second host, a bounded time
// and a bounded answer.
//
// Connections are not kept alive. Small routers have few of them and some leak the idle ones; after
// a reboot a kept one fails in ways that look like a refusal; and a Client has no Close that could
// end it.
type guard struct {
	gateway   netip.Addr
	timeout   time.Duration
	dialer    net.Dialer
	transport *http.Transport

	mu    sync.Mutex
	turns map[uint16]chan struct{} // by port of the gateway
}

// newGuard makes a guard for one gateway. Connections leave from local, because a router in
// "secure mode" maps a port only to the address that asks.
func newGuard(gateway, local netip.Addr) *guard {
	g := &guard{gateway: gateway, timeout: httpTimeout, turns: make(map[uint16]chan struct{})}
	if local.IsValid() {
		g.dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	g.transport = &http.Transport{
		Proxy:                  nil,
		DialContext:            g.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true, // a small body could unpack to a large one
		MaxResponseHeaderBytes: maxHTTPHeader,
	}
	return g
}

func (g *guard) dial(ctx context.Context, _, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil || to.Addr() != g.gateway {
		return nil, fmt.Errorf("%w: %s", errNotGateway, address)
	}
	return g.dialer.DialContext(ctx, "tcp4", to.String())
}

// turn waits until nothing else is asked of that port of the gateway: routers break under parallel
// requests (FritzBox: go-libp2p#3138; syncthing asks one at a time for the same reason). Descriptions
// on several ports may be read side by side, so that a dead one does not hold up the others.
func (g *guard) turn(ctx context.Context, port uint16) (done func(), err error) {
	g.mu.Lock()
	slot := g.turns[port]
	if slot == nil {
		slot = make(chan struct{}, 1)
		g.turns[port] = slot
	}
	g.mu.Unlock()
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// exchange is one request and what came of it. It is the http.RoundTripper of that request, since
// the SOAP library turns errors into text and keeps neither status nor body of an answer it cannot
// read, which is where routers say why they refuse.
type exchange struct {
	guard  *guard
	ctx    context.Context // the caller's, to tell its end from our own timeout
	url    string
	soap   bool   // refuse answers that are not XML before the SOAP library sees them
	status int    // of the answer; 0: there was none
	body   []byte // UTF-8, whole, bounded
	err    error  // why there is no answer
}

// do waits for its turn and runs ask with a client that can reach the gateway alone. The error is
// about transport only: a refusal is an answer.
func (g *guard) do(ctx context.Context, to *url.URL, soap bool, ask func(context.Context, http.Client) error) (*exchange, error) {
	port, err := urlPort(to)
	if err != nil {
		return nil, err
	}
	done, err := g.turn(ctx, port)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	defer done()
	x := &exchange{guard: g, ctx: ctx, url: to.String(), soap: soap}
	timed, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	err = ask(timed, http.Client{Transport: x, CheckRedirect: noRedirect})
	if x.err == nil && x.status == 0 {
		x.err = err // the request was not even sent
	}
	return x, x.failure()
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// RoundTrip sends the request and reads the whole answer.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	dressHeader(r.Header)
	resp, err := x.guard.transport.RoundTrip(r)
	if err != nil {
		x.err = err
		return nil, err
	}
	defer resp.Body.Close()
	return x.accept(resp)
}

// accept reads an answer, bounded, and hands it on as UTF-8.
func (x *exchange) accept(resp *http.Response) (*http.Response, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxHTTPBody+1))
	switch {
	case len(raw) > maxHTTPBody:
		x.err = errTooBig
	case errors.Is(err, io.ErrUnexpectedEOF) && len(raw) > 0:
		// A wrong Content-Length. Whether the text is whole is told by its XML.
	case err != nil:
		x.err = err
	}
	if x.err != nil {
		return nil, x.err
	}
	x.status, x.body = resp.StatusCode, utf8Text(raw)
	if x.soap && len(x.body) > 0 {
		if err := checkXML(x.body); err != nil {
			return nil, err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(x.body))
	resp.ContentLength = int64(len(x.body))
	return resp, nil
}

// dressHeader gives header fields the spelling that routers are tested with. Some compare it
// letter by letter (syncthing#1696); Windows and miniupnpc write SOAPAction.
func dressHeader(h http.Header) {
	h.Set("User-Agent", userAgent)
	for _, name := range [...]string{"SOAPAction", "Content-Type"} {
		for given, v := range h {
			if given != name && http.CanonicalHeaderKey(given) == http.CanonicalHeaderKey(name) {
				delete(h, given)
				h[name] = v
				break
			}
		}
	}
}

// failure is nil if there was an answer. Otherwise the error satisfies errors.Is with the caller's
// context error, or with ErrGone if nobody answered there.
func (x *exchange) failure() error {
	switch {
	case x.ctx.Err() != nil && x.err != nil:
		return fmt.Errorf("%s: %w", x.url, x.ctx.Err())
	case errors.Is(x.err, errTooBig), errors.Is(x.err, errNotGateway):
		return fmt.Errorf("%s: %w", x.url, x.err)
	case errors.Is(x.err, context.DeadlineExceeded):
		return fmt.Errorf("%w (%s): nothing within %v", ErrGone, x.url, x.guard.timeout)
	case x.err != nil:
		return fmt.Errorf("%w (%s): %w", ErrGone, x.url, x.err)
	case x.status/100 == 3:
		return fmt.Errorf("%w (%s): %w", ErrGone, x.url, errRedirect)
	case x.status == http.StatusNotFound || x.status == http.StatusGone:
		return fmt.Errorf("%w (%s): HTTP %d", ErrGone, x.url, x.status)
	}
	return nil
}

// get reads one document.
func (g *guard) get(ctx context.Context, from *url.URL) ([]byte, error) {
	x, err := g.do(ctx, from, false, func(ctx context.Context, client http.Client) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	if err != nil {
		return nil, err
	}
	if x.status != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %d %s", from, x.status, firstWords(x.body))
	}
	return x.body, nil
}

func urlPort(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		return 80, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%q is not a port", text)
	}
	return uint16(port), nil
}
