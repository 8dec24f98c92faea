package checker

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// line is the way to one checker. It keeps a connection, so that the question that matters finds it
// standing.
type line struct {
	transport *http.Transport
	address   string // host:port
	dialer    net.Dialer
	tls       *tls.Config // nil for http://

	spare chan net.Conn // a connection that nobody has used yet; holds one
}

func newLine(to *url.URL, local netip.Addr, config *tls.Config) *line {
	l := &line{spare: make(chan net.Conn, 1)}
	port := to.Port()
	if to.Scheme == "https" {
		l.tls = config.Clone()
		if l.tls == nil {
			l.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		l.tls.ServerName = to.Hostname()
		l.tls.NextProtos = []string{"http/1.1"}
		if port == "" {
			port = "443"
		}
	} else if port == "" {
		port = "80"
	}
	l.address = net.JoinHostPort(to.Hostname(), port)
	l.dialer.ControlContext = throughInterfaceOf(local)
	if local.IsValid() {
		l.dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	take := func(ctx context.Context, _, _ string) (net.Conn, error) { return l.take(ctx) }
	l.transport = &http.Transport{ // no proxy: the checker would see and check the proxy's address
		DialContext:            take,
		DialTLSContext:         take,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		IdleConnTimeout:        time.Minute,
	}
	return l
}

// dial connects over IPv4, TLS included.
func (l *line) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout) // the transport may dial on when its request has ended
	defer cancel()
	conn, err := l.dialer.DialContext(ctx, "tcp4", l.address)
	if err != nil || l.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, l.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// take hands out the spare connection, or makes one.
func (l *line) take(ctx context.Context) (net.Conn, error) {
	select {
	case conn := <-l.spare:
		return conn, nil
	default:
		return l.dial(ctx)
	}
}

// connect makes a spare connection. It is called where there is none: at first, and when the checker
// has hung up.
func (l *line) connect(ctx context.Context) error {
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	select {
	case l.spare <- conn:
	default:
		conn.Close()
	}
	return nil
}

func (l *line) close() {
	l.transport.CloseIdleConnections()
	select {
	case conn := <-l.spare:
		conn.Close()
	default:
	}
}
