package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// The page is open to this PC and asks everybody else for a password (HTTP Basic, RFC 7617; any user
// name will do). Comparing one takes a good part of a second on purpose, which gives four rules: the
// last right one is remembered by its hash, only one is compared at a time, an address that fails is
// made to wait, and what is kept about addresses is bounded. None of them touches this PC.

const (
	freeTries    = 5               // failures of one address before it has to wait
	longestWait  = time.Minute     // between two tries of one address
	forgottenIn  = time.Hour       // after its last failure an address is as good as new
	maxOffenders = 1024            // addresses whose failures are kept
	turnPatience = 5 * time.Second // for the one comparison at a time
)

// gate decides who may pass with which password.
type gate struct {
	matches func(password string) bool // nil = nobody but this PC passes
	now     func() time.Time
	log     *slog.Logger
	key     [32]byte                 // of the hashes below, new with every start
	known   atomic.Pointer[[32]byte] // HMAC of the password that was right last
	turn    chan struct{}            // one token: one comparison at a time
	failed  atomic.Uint64            // wrong passwords since the start

	mu        sync.Mutex
	offenders map[netip.Addr]offence
}

// offence is what is kept about an address that sent wrong passwords.
type offence struct {
	count int
	last  time.Time
	until time.Time // it is not listened to before
}

func newGate(o Options) *gate {
	g := &gate{matches: o.Password, now: o.Now, log: o.Log, turn: make(chan struct{}, 1), offenders: map[netip.Addr]offence{}}
	rand.Read(g.key[:]) // never fails
	return g
}

// judge compares a password that came from an address. wait is for how long nothing from there is
// looked at, not even the right one: else it could be guessed at by waiting for the other answer.
func (g *gate) judge(ctx context.Context, from netip.Addr, password string) (right bool, wait time.Duration) {
	if wait := g.wait(from); wait > 0 {
		return false, wait
	}
	mac := g.hash(password)
	if last := g.known.Load(); last != nil && hmac.Equal(last[:], mac[:]) {
		g.forgive(from)
		return true, 0
	}
	ctx, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return false, turnPatience
	}
	if wait := g.wait(from); wait > 0 { // what came with this one has failed meanwhile
		return false, wait
	}
	if !g.matches(password) {
		g.offend(from)
		return false, 0
	}
	g.known.Store(&mac)
	g.forgive(from)
	return true, 0
}

func (g *gate) hash(password string) (mac [32]byte) {
	h := hmac.New(sha256.New, g.key[:])
	h.Write([]byte(password))
	h.Sum(mac[:0])
	return mac
}

// wait is how long an address has to wait before it is listened to again.
func (g *gate) wait(from netip.Addr) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, g.offenders[from].until.Sub(g.now()))
}

func (g *gate) forgive(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.offenders, from)
}

// offend takes note of a wrong password: each one after the free tries doubles the wait.
func (g *gate) offend(from netip.Addr) {
	g.failed.Add(1)
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	o, known := g.offenders[from]
	if !known {
		g.makeRoom(now)
	}
	if now.Sub(o.last) > forgottenIn {
		o = offence{}
	}
	o.count, o.last = o.count+1, now
	if n := o.count - freeTries; n >= 0 {
		o.until = now.Add(min(longestWait, time.Second<<min(n, 10)))
	}
	g.offenders[from] = o
	if o.count == freeTries {
		g.log.Warn("wrong passwords are sent to the page; the sender has to wait between two now", "from", from, "times", o.count)
	}
}

// makeRoom drops what is forgotten, and if that is not enough the address that failed longest ago.
func (g *gate) makeRoom(now time.Time) {
	if len(g.offenders) < maxOffenders {
		return
	}
	oldest, at := netip.Addr{}, now
	for a, o := range g.offenders {
		if now.Sub(o.last) > forgottenIn {
			delete(g.offenders, a)
		} else if !o.last.After(at) {
			oldest, at = a, o.last
		}
	}
	if len(g.offenders) >= maxOffenders {
		delete(g.offenders, oldest)
	}
}

// admits lets a request pass that comes from this PC or brings the password, and answers any other.
func (s *Server) admits(w http.ResponseWriter, r *http.Request) bool {
	local, remote := ends(r)
	if local.IsLoopback() && remote.IsLoopback() {
		return true
	}
	if s.gate.matches == nil {
		http.Error(w, "This page is for the PC that Portsitter runs on. To open it from here, set a password with "+
			"`portsitter config password` there.", http.StatusForbidden)
		return false
	}
	_, password, given := r.BasicAuth()
	if given {
		right, wait := s.gate.judge(r.Context(), household(remote), password)
		if right {
			return true
		}
		if wait > 0 {
			seconds := int(wait/time.Second) + 1
			w.Header().Set("Retry-After", fmt.Sprint(seconds))
			http.Error(w, fmt.Sprintf("There were too many wrong passwords. Try again in %d s.", seconds), http.StatusTooManyRequests)
			return false
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Portsitter", charset="UTF-8"`)
	http.Error(w, "This page asks for its password. Any user name will do.", http.StatusUnauthorized)
	return false
}

// ends are the addresses of both ends of the connection; not valid where they are not known.
func ends(r *http.Request) (local, remote netip.Addr) {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		local = a.AddrPort().Addr().Unmap()
	}
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = a.Addr().Unmap()
	}
	return local, remote
}

// household is what one home, or one PC in this one, can call itself: an IPv4 address, or all of an
// IPv6 /64, of which a single PC has as many addresses as it likes.
func household(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
