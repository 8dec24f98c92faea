//go:build lab && linux

package lab

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/simhome"
)

// Smash64 Online's checker, played packet by packet, meets the stand-in through a real router.
func TestSmash64(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	service := h.smash64(5)
	s := h.startChecked(onlyAsked)
	s.awaitReady()
	st, code, stderr := s.check()
	if code != 0 {
		t.Fatalf("check exits with %d, want 0: %s", code, stderr)
	}
	checkReachable(t, &st.Ports[0], "stand-in")
	took := service.times()
	if len(took) == 0 {
		t.Fatal("nobody asked the service")
	}
	median := took[len(took)/2]
	t.Logf("%d times: median %v, longest %v", len(took), median, took[len(took)-1])
	if median > time.Second { // below 100 ms on a PC that does nothing else
		t.Errorf("the median of %v is %v, want less than 1 s", took, median)
	}
}

// smash64 is the service as its users see it.
type smash64 struct {
	home   *home
	rounds int

	mu   sync.Mutex
	took []time.Duration
}

// smash64 starts the service where the lab's checker is otherwise. It plays its script some times
// for every question, and says of it what the last time came to.
func (h *home) smash64(rounds int) *smash64 {
	h.t.Helper()
	s := &smash64{home: h, rounds: rounds}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /kaillera/get-ip", func(w http.ResponseWriter, r *http.Request) {
		addr, _ := netip.ParseAddrPort(r.RemoteAddr) // net/http's own
		_, _ = w.Write([]byte(addr.Addr().String()))
	})
	mux.HandleFunc("POST /kaillera/p2p-check", s.check)
	h.serve("wan", checkerHost, mux)
	return s
}

// serve is a web server on one of the lab's computers; it ends with the test.
func (h *home) serve(space, addr string, handler http.Handler) {
	h.t.Helper()
	var l net.Listener
	err := h.inside(space, func() (err error) {
		l, err = net.Listen("tcp4", addr)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // until Close
	}()
	h.t.Cleanup(func() {
		server.Close()
		<-ended
	})
}

func (s *smash64) check(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Host netip.Addr
		Port uint16
		Via  string
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, `{"message":"Invalid parameters","meta":"{}","success":false}`, http.StatusBadRequest)
		return
	}
	var v simhome.Smash64Verdict
	err := s.home.inside("wan", func() error {
		for range s.rounds {
			start := time.Now()
			v = simhome.Smash64{From: r.RemoteAddr, Via: q.Via}.Check(r.Context(), netip.AddrPortFrom(q.Host, q.Port))
			if v.Err != nil {
				return v.Err
			}
			s.mu.Lock()
			s.took = append(s.took, time.Since(start))
			s.mu.Unlock()
		}
		return nil
	})
	if err != nil {
		s.home.t.Errorf("Smash64's checker at %v port %d: %v", q.Host, q.Port, err)
	}
	meta, _ := json.Marshal(map[string]any{"host": q.Host, "port": q.Port, "user": v.User, "game": v.Game})
	answer := map[string]any{"message": "OK", "meta": string(meta), "success": v.Success}
	if !v.Success {
		answer["message"] = "Unable to connect"
	}
	_ = json.NewEncoder(w).Encode(answer) // a program that has left is seen by its test
}

// times are how long the script took, the shortest first.
func (s *smash64) times() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.took))
}
