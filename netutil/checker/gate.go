package checker

import (
	"net"
	"net/netip"
	"sync"
)

const (
	maxConns     = 1024 // connections at once: with their buffers, some 30 MB
	maxConnsEach = 32   // of one address that is no trusted proxy
)

// gate lets in a bounded number of connections, and of each address only a few, so that one caller
// who keeps many open shuts nobody out. It hangs up on the others.
type gate struct {
	net.Listener
	trusts func(netip.Addr) bool

	mu    sync.Mutex
	total int
	each  map[netip.Addr]int
}

func (s *Server) bound(l net.Listener) net.Listener {
	return &gate{Listener: l, trusts: s.trusts, each: map[netip.Addr]int{}}
}

// Accept waits for the next connection that may come in.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := parseHop(conn.RemoteAddr().String())
		if g.enter(peer) {
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { g.leave(peer) })}, nil
		}
		conn.Close()
	}
}

func (g *gate) enter(peer netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= maxConns || g.each[peer] >= maxConnsEach && !g.trusts(peer) {
		return false
	}
	g.total++
	g.each[peer]++
	return true
}

func (g *gate) leave(peer netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.each[peer]--; g.each[peer] == 0 {
		delete(g.each, peer)
	}
}

// guest is a connection that tells when it leaves.
type guest struct {
	net.Conn
	leave func()
}

// Close ends the connection.
func (c *guest) Close() error {
	c.leave()
	return c.Conn.Close()
}
