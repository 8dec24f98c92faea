package checker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/portsitter/portsitter/netutil/kaillera"
)

const (
	maxQuestion = 4 << 10
	maxInFlight = 200
	defaultPort = 27886
	lowestPort  = 1025 // below are the services of the system, which are nobody's game
	defaultRate = 120  // checks per minute
)

// ServerOptions say whom the server serves. The zero value is right for a public checker without a
// proxy in front of it.
type ServerOptions struct {
	AllowPrivate   bool             // check addresses that are not public, too: for labs
	Rate           int              // checks per minute, of all callers together; 0 = 120
	TrustedProxies []netip.Prefix   // proxies whose X-Forwarded-For tells who asks
	TLSCert        string           // PEM files; both empty = plain HTTP
	TLSKey         string           //
	Log            *slog.Logger     // nil = silence
	Now            func() time.Time // nil = time.Now
	Budget         time.Duration    // how long one check lasts at most; 0 = kaillera.DefaultBudget

	// Dial opens the UDP socket of one check; nil = straight to the target. The demo leads it through
	// a router in software.
	Dial func(ctx context.Context, local netip.Addr, target netip.AddrPort) (net.Conn, error)
}

// Server is a checker: an http.Handler that tells callers their address, and whether a packet from
// here reaches a port there. It sends to the address that asks and to no other, and keeps nothing
// but counters.
type Server struct {
	o        ServerOptions
	log      *slog.Logger
	mux      *http.ServeMux
	limits   *limits
	inFlight chan struct{}
	counts   counts

	readTimeout time.Duration // for a whole request, body included
}

// NewServer makes a checker. Run or Serve starts it.
func NewServer(o ServerOptions) *Server {
	if o.Rate <= 0 {
		o.Rate = defaultRate
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		o: o, log: o.Log, mux: http.NewServeMux(),
		limits:      newLimits(o.Rate, o.Now),
		inFlight:    make(chan struct{}, maxInFlight),
		readTimeout: 5 * time.Second,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.mux.HandleFunc("GET /{$}", s.about)
	s.mux.HandleFunc("GET "+GetIPPath, s.getIP)
	s.mux.HandleFunc("POST "+CheckPath, s.check)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") })
	s.mux.HandleFunc("GET /metrics", s.metrics)
	return s
}

// ServeHTTP answers one request. Every answer, errors included, may be read by any web page
// (Access-Control-Allow-Origin): there is nothing in it but what the caller could see anyway.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store") // an address that a proxy remembers is somebody else's
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodOptions { // a browser's preflight
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) about(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, "This is a Portsitter checker: it tells players whether packets from the internet reach the game they host at home.\n"+
		"It sends only to the address that asks: GET "+GetIPPath+" tells that address, POST "+CheckPath+" checks a UDP port there.\n")
}

// getIP tells the caller's address, without a line end: Smash64's page compares the whole text.
func (s *Server) getIP(w http.ResponseWriter, r *http.Request) {
	s.counts.getIP.Add(1)
	caller := s.callerOf(r)
	if !caller.IsValid() {
		say(w, http.StatusBadRequest, errNoCaller.Error())
		return
	}
	say(w, http.StatusOK, caller.String())
}

// check makes one check: read, judge, ask for a turn, send.
func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	if err != nil {
		s.refuseBody(w, err)
		return
	}
	q, err := decodeQuestion(body)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, refusedRequest, "Invalid parameters: "+err.Error(), "{}")
		return
	}
	caller := s.callerOf(r)
	if reason, err := s.judge(q, caller); err != nil {
		s.refuse(w, http.StatusBadRequest, reason, err.Error(), "{}")
		return
	}
	target := netip.AddrPortFrom(caller, q.port)
	meta := encodeMeta(target, kaillera.Result{})
	select {
	case s.inFlight <- struct{}{}:
		defer func() { <-s.inFlight }()
	default:
		w.Header().Set("Retry-After", "10")
		s.refuse(w, http.StatusServiceUnavailable, refusedBusy, fmt.Sprintf("%d checks are under way, more than that is too many", maxInFlight), meta)
		return
	}
	if wait, ok := s.limits.allow(caller); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
		s.refuse(w, http.StatusTooManyRequests, refusedRate, fmt.Sprintf("too many checks, ask again in %d s", seconds(wait)), meta)
		return
	}
	s.probeAndReply(w, r, target, q)
}

// seconds rounds up: asking in time must not be too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func (s *Server) refuseBody(w http.ResponseWriter, err error) {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		s.refuse(w, http.StatusRequestEntityTooLarge, refusedRequest, fmt.Sprintf("Invalid parameters: more than %d bytes", maxQuestion), "{}")
		return
	}
	w.Header().Set("Connection", "close")
	s.refuse(w, http.StatusRequestTimeout, refusedRequest, "Invalid parameters: the request did not come whole", "{}")
}

// judge says why q of caller is not to be answered, if so. It is the gate: behind it, packets leave.
func (s *Server) judge(q question, caller netip.Addr) (refusal, error) {
	switch {
	case !caller.IsValid():
		return refusedAddress, errNoCaller
	case !caller.Is4():
		return refusedAddress, fmt.Errorf("you came over IPv6 (%v): a port mapping is an IPv4 matter, come over IPv4", caller)
	case !s.o.AllowPrivate && !isPublic(caller):
		return refusedAddress, fmt.Errorf("your address %v is not a public one, so nobody can reach it from the internet", caller)
	case q.host.IsValid() && q.host != caller:
		return refusedAddress, fmt.Errorf(`only the address that asks is checked: "host" must be %q or "self"`, caller)
	case q.port < lowestPort:
		return refusedPort, fmt.Errorf("port %d is not checked, only %d to 65535", q.port, lowestPort)
	}
	return "", nil
}

func (s *Server) refuse(w http.ResponseWriter, status int, reason refusal, message, meta string) {
	s.counts.refuse(reason)
	sendReply(w, status, reply{Message: message, Meta: meta})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
