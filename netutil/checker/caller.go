package checker

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

var errNoCaller = errors.New("the proxy in front of this checker does not tell your address")

// callerOf is the address that asks: the TCP peer's, which a handshake has proven. When that is a
// trusted proxy, it is the right-most address in X-Forwarded-For that is not a trusted proxy, too:
// what stands further left was written by the caller and proves nothing. Not valid when the proxy
// tells nonsense.
func (s *Server) callerOf(r *http.Request) netip.Addr {
	caller := peerOf(r)
	if !s.trusts(caller) {
		return caller
	}
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if forwarded == "" {
		return caller // the proxy itself asks, for its health check
	}
	for _, hop := range slices.Backward(strings.Split(forwarded, ",")) {
		caller = parseHop(strings.TrimSpace(hop))
		if !s.trusts(caller) {
			break
		}
	}
	return caller
}

// peerOf is the other end of the connection.
func peerOf(r *http.Request) netip.Addr { return parseHop(r.RemoteAddr) }

// parseHop reads an address that may have a port behind it, as some proxies write it.
func parseHop(s string) netip.Addr {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		with, _ := netip.ParseAddrPort(s)
		addr = with.Addr()
	}
	return addr.Unmap().WithZone("")
}

func (s *Server) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
