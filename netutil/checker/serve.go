package checker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	writeTimeout = 20 * time.Second // the check itself counts
	idleTimeout  = 40 * time.Second // a client prepares up to 30 s before it asks
	stopTimeout  = 10 * time.Second // for checks under way
	maxHeaders   = 8 << 10
)

// Run serves on the given addresses until ctx ends, over TLS when the options name a certificate.
// It then takes no new requests, waits up to 10 s for the checks under way and returns nil. An error
// means that it could not begin, or could not go on.
func (s *Server) Run(ctx context.Context, listen ...netip.AddrPort) error {
	if len(listen) == 0 {
		return errors.New("the checker has no address to listen on")
	}
	var config *tls.Config
	if s.o.TLSCert != "" || s.o.TLSKey != "" {
		pair, err := tls.LoadX509KeyPair(s.o.TLSCert, s.o.TLSKey)
		if err != nil {
			return fmt.Errorf("the checker's certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	var listeners []net.Listener
	for _, addr := range listen {
		l, err := net.Listen(networkOf(addr), addr.String())
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return fmt.Errorf("the checker cannot listen: %w", err)
		}
		s.log.Info("checker listens", "address", l.Addr(), "tls", config != nil, "private", s.o.AllowPrivate)
		if l = s.bound(l); config != nil {
			l = tls.NewListener(l, config)
		}
		listeners = append(listeners, l)
	}
	return s.serve(ctx, listeners)
}

// Serve is Run on listeners that are already there, for plain HTTP. It closes them.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	all := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		all[i] = s.bound(l)
	}
	return s.serve(ctx, all)
}

// networkOf keeps 0.0.0.0 to IPv4, as it reads; [::] means both.
func networkOf(a netip.AddrPort) string {
	if a.Addr().Is4() {
		return "tcp4"
	}
	return "tcp"
}

func (s *Server) serve(ctx context.Context, listeners []net.Listener) error {
	only1 := new(http.Protocols)
	only1.SetHTTP1(true) // one request at a time: the bounds below hold for a connection
	server := &http.Server{
		Handler:        s,
		Protocols:      only1,
		ReadTimeout:    s.readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaders,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(l) }()
	}
	var failed error
	running := len(listeners)
	select {
	case <-ctx.Done():
	case failed = <-ended:
		running--
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		s.log.Warn("checks were cut short", "error", err)
		server.Close()
	}
	for range running {
		<-ended
	}
	if failed != nil {
		return fmt.Errorf("the checker cannot go on: %w", failed)
	}
	return nil
}
