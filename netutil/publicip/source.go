package publicip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// Source asks one of several servers of a kind, and goes on with the one that answered last. It is
// used by one goroutine at a time.
type Source struct {
	servers []string
	ask     func(ctx context.Context, local netip.Addr, server string) (netip.Addr, error)
	current int // where the next question begins
}

// Answer is what a server said, and which one it was.
type Answer struct {
	Addr   netip.Addr
	Server string
}

// ErrNoServers means that the settings name no server of this kind: it is switched off.
var ErrNoServers = errors.New("no server to ask")

// STUNServers asks servers ("host:port") by STUN.
func STUNServers(servers []string) *Source {
	return &Source{servers: servers, ask: func(ctx context.Context, local netip.Addr, server string) (netip.Addr, error) {
		addr, err := STUN(ctx, local, server)
		return addr.Addr(), err
	}}
}

// HTTPServers asks get-ip pages by HTTP. userAgent should say honestly who asks, as in
// "Portsitter/1.2.0".
func HTTPServers(urls []string, userAgent string) *Source {
	return &Source{servers: urls, ask: func(ctx context.Context, local netip.Addr, server string) (netip.Addr, error) {
		return HTTP(ctx, local, userAgent, server)
	}}
}

// Ask tries every server once, beginning with the one that worked last time, until one answers.
// When none does, the error holds what each of them said, on one line. ErrNoServers: there is none.
func (s *Source) Ask(ctx context.Context, local netip.Addr) (Answer, error) {
	if len(s.servers) == 0 {
		return Answer{}, ErrNoServers
	}
	var failed error
	for range s.servers {
		server := s.servers[s.current]
		addr, err := s.ask(ctx, local, server)
		if err == nil {
			return Answer{Addr: addr, Server: server}, nil
		}
		s.current = (s.current + 1) % len(s.servers)
		if failed != nil { // on one line: it is shown on the page
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
		if ctx.Err() != nil {
			break
		}
	}
	return Answer{}, failed
}
