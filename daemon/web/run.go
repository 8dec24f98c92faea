package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	maxHeaderBytes = 16 << 10
	shutdownTime   = 800 * time.Millisecond // for answers under way; event streams end at once
)

// ErrNotLoopback means that an address in Options.Listen could be reached from other PCs.
var ErrNotLoopback = errors.New("it can be reached from other PCs, and the page has no password; " +
	"name an address like 127.0.0.1:27880 under page.listen")

// Run serves every address of Options.Listen until ctx ends, and then returns within a second. An
// address that cannot be had is told to Options.Notice, and the others are served all the same.
// The error is nil unless no address at all could be served, or serving broke down.
func (s *Server) Run(ctx context.Context) error {
	listeners, err := s.listen(ctx)
	if len(listeners) == 0 {
		return err // nil when there was nothing to listen on
	}
	return s.serve(ctx, listeners)
}

// listen opens what it can; the error joins what is wrong with the rest.
func (s *Server) listen(ctx context.Context) ([]net.Listener, error) {
	var listeners []net.Listener
	var failed error
	for _, addr := range s.o.Listen {
		l, err := listenOn(ctx, addr)
		if err == nil {
			listeners = append(listeners, l)
			s.o.Log.Info("page", "url", "http://"+l.Addr().String())
			continue
		}
		s.o.Log.Error("page", "err", err)
		s.o.Notice(text(err.Error()))
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	return listeners, failed
}

func listenOn(ctx context.Context, addr netip.AddrPort) (net.Listener, error) {
	if !addr.Addr().Unmap().IsLoopback() {
		return nil, fmt.Errorf("the page is not served on %s: %w", addr, ErrNotLoopback)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("the page is not served on %s (%w); if another program holds this address, perhaps "+
			"a second Portsitter, stop it or name another address under page.listen", addr, err)
	}
	return l, nil
}

// serve runs one http.Server over all listeners. The context of every request ends with ctx, and
// with it every event stream.
func (s *Server) serve(ctx context.Context, listeners []net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           s.Handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      writeDeadline,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	broke := make(chan error, len(listeners))
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				broke <- fmt.Errorf("page on %s: %w", l.Addr(), err)
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-broke:
	}
	cancel()
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer done()
	if srv.Shutdown(grace) != nil {
		srv.Close() // who still reads after that time is let go
	}
	wg.Wait()
	return err
}
