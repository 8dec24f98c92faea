package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxHeaderBytes = 16 << 10
	maxGuests      = 64                     // connections from other PCs at once
	shutdownTime   = 600 * time.Millisecond // for answers under way; event streams end at once
	lastLook       = 300 * time.Millisecond // for open pages, before the streams end
	listenAgain    = 10 * time.Second       // an address may come with the network, or be freed
)

// ErrNoPassword means that an address in Options.Listen could be reached from other PCs, and there is
// no Options.Password.
var ErrNoPassword = errors.New("it can be reached from other PCs, and the page has no password: " +
	"set one with `portsitter config password`, or name an address like 127.0.0.1:27880 in listen of [page]")

// opener opens one address to serve on.
type opener struct {
	addr string
	open func(context.Context) (net.Listener, error)
}

// Run serves every address of Options.Listen and loopback until ctx ends, and then returns within a
// second. With no address at all it serves nothing. An address that cannot be had is told to
// Options.Notice and tried again until it is served; the others are served meanwhile.
func (s *Server) Run(ctx context.Context) {
	var openers []opener
	for _, addr := range s.addresses() {
		openers = append(openers, opener{addr.String(), func(ctx context.Context) (net.Listener, error) { return s.listenOn(ctx, addr) }})
	}
	s.serve(ctx, openers)
}

// addresses are what is served, loopback first: without a password nothing else is, and with one a
// person on this PC must not be shut out by naming other addresses only.
func (s *Server) addresses() []netip.AddrPort {
	var out []netip.AddrPort
	local := func(a netip.AddrPort) bool { return a.Addr().Unmap().IsLoopback() }
	for _, a := range s.o.Listen {
		if !local(a) && s.o.Password == nil {
			s.complain(a.String(), fmt.Errorf("the page is not served on %s: %w", a, ErrNoPassword))
			continue
		}
		out = append(out, a)
	}
	// "Every address" leaves no room for another one at the same port, and needs none.
	whole := func(a netip.AddrPort) bool {
		return slices.ContainsFunc(out, func(w netip.AddrPort) bool {
			return w != a && w.Port() == a.Port() && w.Addr().IsUnspecified() && (w.Addr().Is6() || a.Addr().Is4())
		})
	}
	out = slices.DeleteFunc(slices.Clone(out), whole)
	served := slices.ContainsFunc(out, func(a netip.AddrPort) bool { return local(a) || a.Addr().IsUnspecified() })
	if len(s.o.Listen) > 0 && !served {
		out = append(out, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.o.Listen[0].Port()))
	}
	slices.SortStableFunc(out, func(a, b netip.AddrPort) int {
		if local(a) == local(b) {
			return 0
		} else if local(a) {
			return -1
		}
		return 1
	})
	return out
}

func (s *Server) listenOn(ctx context.Context, addr netip.AddrPort) (net.Listener, error) {
	network := "tcp"
	if addr.Addr().Is4() {
		network = "tcp4" // Go takes tcp and 0.0.0.0 for every IPv6 address, too
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, addr.String())
	if err != nil {
		return nil, fmt.Errorf("the page is not served on %s (%w), it is tried again; if another program holds this address, "+
			"perhaps a second Portsitter, stop it or name another address in listen of [page]", addr, err)
	}
	s.o.Log.Info("page", "url", "http://"+l.Addr().String())
	return fewGuests{l, make(chan struct{}, maxGuests)}, nil
}

// complain says what is wrong with an address, for as long as it is: see content.
func (s *Server) complain(addr string, err error) {
	s.o.Log.Error("page", "err", err)
	s.troubles.set(addr, text(err.Error()), s.o.Notice)
}

// content takes back what was said about an address.
func (s *Server) content(addr string) { s.troubles.set(addr, "", s.o.Notice) }

// troubles is what is wrong with the addresses now. It is told as one text whenever it has changed, so
// that one address which is served again does not take back what is wrong with another.
type troubles struct {
	mu  sync.Mutex // the addresses are served at the same time
	now map[string]string
}

func (t *troubles) set(addr, trouble string, tell func(string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now[addr] == trouble {
		return
	}
	if t.now == nil {
		t.now = map[string]string{}
	}
	t.now[addr] = trouble
	if trouble == "" {
		delete(t.now, addr)
	}
	var all []string
	for _, addr := range slices.Sorted(maps.Keys(t.now)) {
		all = append(all, t.now[addr])
	}
	tell(strings.Join(all, "; "))
}

// serve runs one http.Server over all openers. The context of every request ends soon after ctx, and
// with it every event stream.
func (s *Server) serve(ctx context.Context, openers []opener) {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv := &http.Server{
		Handler:           s.Handler(),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      writeDeadline,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	var wg sync.WaitGroup
	for _, o := range openers {
		wg.Go(func() { s.serveOn(ctx, srv, o) })
	}
	<-ctx.Done()
	if len(s.streams) > 0 { // a page is open: it has to hear the last event, and to fetch what there is to show
		<-time.After(lastLook)
	}
	end()
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer done()
	if srv.Shutdown(grace) != nil {
		srv.Close() // who still reads after that time is let go
	}
	wg.Wait()
}

// serveOn serves one address until the server is shut down. An address that cannot be had now may be
// there later: a PC that boots runs services before it has its address.
func (s *Server) serveOn(ctx context.Context, srv *http.Server, o opener) {
	said := ""
	for {
		l, err := o.open(ctx)
		if err == nil {
			said = ""
			s.content(o.addr)
			if err = srv.Serve(l); errors.Is(err, http.ErrServerClosed) {
				return
			}
			err = fmt.Errorf("the page is not served on %s any more: %w", l.Addr(), err)
		}
		if ctx.Err() != nil {
			return
		}
		if err.Error() != said {
			said = err.Error()
			s.complain(o.addr, err)
		}
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
			return
		}
	}
}

// fewGuests bounds the connections from other PCs: who has not shown a password yet must not cost
// memory without limit. This PC's own are never turned away for them.
type fewGuests struct {
	net.Listener
	places chan struct{}
}

func (f fewGuests) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
			return c, nil
		}
		select {
		case f.places <- struct{}{}:
			return &guest{Conn: c, leave: sync.OnceFunc(func() { <-f.places })}, nil
		default:
			c.Close()
		}
	}
}

// guest gives its place back when it is closed.
type guest struct {
	net.Conn
	leave func()
}

func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}
