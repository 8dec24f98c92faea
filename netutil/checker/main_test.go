package checker

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddr("127.0.0.1")

// asked is a request that a remote checker received.
type asked struct {
	method, path, agent, kind, body string
}

// remote is somebody else's checker: it answers get-ip with ip, and a check with status and body.
type remote struct {
	*httptest.Server
	ip      string
	hangUp  bool          // after get-ip
	stall   chan struct{} // not nil: a check gets no answer until it is closed
	answer  func(w http.ResponseWriter)
	mu      sync.Mutex
	asked   []asked
	conns   int
	checked chan struct{} // holds one value a check
	closed  chan struct{} // holds one value a connection that has ended
}

// answering is the answer to a check.
func answering(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// newRemote makes one that is not started; start and startTLS do that.
func newRemote(t *testing.T, ip string, answer func(http.ResponseWriter)) *remote {
	r := &remote{ip: ip, answer: answer, checked: make(chan struct{}, 16), closed: make(chan struct{}, 16)}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			r.mu.Lock()
			r.conns++
			r.mu.Unlock()
		case http.StateClosed:
			r.closed <- struct{}{}
		}
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func (r *remote) start() *remote    { r.Start(); return r }
func (r *remote) startTLS() *remote { r.StartTLS(); return r }

// check is the address that the settings name.
func (r *remote) check() string { return r.URL + CheckPath }

func (r *remote) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.asked = append(r.asked, asked{req.Method, req.URL.Path, req.UserAgent(), req.Header.Get("Content-Type"), string(body)})
	r.mu.Unlock()
	if req.Method == http.MethodGet {
		if r.hangUp {
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, r.ip)
		return
	}
	r.checked <- struct{}{}
	if r.stall != nil {
		<-r.stall
		return
	}
	r.answer(w)
}

// seen is what has been asked so far, and over how many connections.
func (r *remote) seen() ([]asked, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked, r.conns
}

// lab is a client that takes loopback addresses for good ones.
func lab(urls ...string) *Client {
	return &Client{URLs: urls, UserAgent: "Portsitter/test", AllowPrivate: true}
}

// clock is a time that only moves when it is told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
