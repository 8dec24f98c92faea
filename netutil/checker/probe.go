package checker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/portsitter/portsitter/netutil/kaillera"
)

// probeAndReply checks target and tells what came of it. A check that has begun is brought to its
// end even when the caller has left.
func (s *Server) probeAndReply(w http.ResponseWriter, r *http.Request, target netip.AddrPort, q question) {
	result, err := s.probe(context.WithoutCancel(r.Context()), localFor(r, target.Addr()), target, q)
	if err != nil {
		s.counts.failed.Add(1)
		s.log.Warn("cannot check", "target", target, "error", err)
		sendReply(w, http.StatusInternalServerError, reply{Message: "this checker cannot send", Meta: encodeMeta(target, result)})
		return
	}
	s.log.Debug("checked", "target", target, "answered", result.Answered, "generation", result.Generation, "rtt", result.RTT, "tries", result.Tries)
	answer := reply{Meta: encodeMeta(target, result), Success: result.Answered}
	switch {
	case result.Answered:
		s.counts.reachable.Add(1)
		answer.Message = "OK"
	case result.Refused:
		s.counts.unreachable.Add(1)
		answer.Message = "Unable to connect: the port is closed"
	default:
		s.counts.unreachable.Add(1)
		answer.Message = "Unable to connect: no answer"
	}
	sendReply(w, http.StatusOK, answer)
}

// probe asks the host from a socket of its own. It goes no further than needed: a Kaillera host that
// answers the question without traces is not asked to let us in.
func (s *Server) probe(ctx context.Context, local netip.Addr, target netip.AddrPort, q question) (kaillera.Result, error) {
	dial := s.o.Dial
	if dial == nil {
		dial = dialUDP
	}
	conn, err := dial(ctx, local, target)
	if err != nil {
		return kaillera.Result{}, fmt.Errorf("a socket for the check: %w", err)
	}
	defer conn.Close()
	o := kaillera.ProbeOptions{Ask: kaillera.AskLeast, App: "port test", Budget: s.o.Budget}
	if q.via != "" {
		o.App += " for " + q.via
	}
	if q.any {
		o.Ask = kaillera.AskToken
	}
	return kaillera.Probe(ctx, conn, o)
}

// dialUDP opens a socket of its own to target, from local if that is valid.
func dialUDP(ctx context.Context, local netip.Addr, target netip.AddrPort) (net.Conn, error) {
	var dialer net.Dialer
	if local.IsValid() {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return dialer.DialContext(ctx, "udp4", target.String())
}

// localFor is the address to send from: the one the caller came to, where it came by itself. Behind
// a proxy that is the proxy's side of this machine, and the system chooses.
func localFor(r *http.Request, caller netip.Addr) netip.Addr {
	if peerOf(r) != caller {
		return netip.Addr{}
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	if addr := local.AddrPort().Addr().Unmap(); addr.Is4() {
		return addr
	}
	return netip.Addr{}
}

// encodeMeta writes the JSON inside the JSON. The host in it is the caller's address and never what
// the request said: Smash64's page puts it into its text as it comes.
func encodeMeta(target netip.AddrPort, result kaillera.Result) string {
	b, err := json.Marshal(struct {
		Host string `json:"host"`
		Port uint16 `json:"port"`
		User string `json:"user,omitempty"`
		Game string `json:"game,omitempty"`
	}{target.Addr().String(), target.Port(), clean(result.Nick, maxName), clean(result.Game, maxName)})
	if err != nil {
		return "{}"
	}
	return string(b)
}

func sendReply(w http.ResponseWriter, status int, r reply) {
	b, err := json.Marshal(r)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"message":"","meta":"{}","success":false}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}
