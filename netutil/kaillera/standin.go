package kaillera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// StandInTime is how long a stand-in holds the port at most: while it does, no game can host.
const StandInTime = 7 * time.Second

// What a stand-in calls itself. Plain ASCII, both not empty: Smash64's checker takes no other names.
const (
	StandInNick = "Portsitter"
	StandInGame = "port test"
)

// standInWords are said to a player who comes in while the port is checked.
const standInWords = "port test, no game here"

// ErrPortTaken means that another program holds the port.
var ErrPortTaken = errors.New("another program holds this port")

// StandIn answers on a game's port for the seconds of a check, because a check needs somebody
// to answer and no game is hosting. It answers checkers: Smash64 Online's, PINGRQ, a Look, a
// token. A player who comes in is told that there is no game, and sent away.
//
// It is no use to an attacker who forges a victim's address: one datagram out for one in, and at
// most one and a half times the bytes that came from the same address (the longest answer to a
// request of 164 bytes is 164 bytes long, to a PINGRQ of 8 it is 12).
type StandIn struct {
	conn  *net.UDPConn
	limit *time.Timer // closes the port even when nobody serves
	close func() error
}

// ListenStandIn binds the port on the wildcard IPv4 address, for itself alone; port 0 is any free
// one. Serve or Close must follow; StandInTime after the binding the port is free again in any case.
//
// ErrPortTaken: somebody holds the port already, on any address of this PC. Then it is the game's:
// do not try again at once, hosts close and open their port whenever a player leaves.
func ListenStandIn(ctx context.Context, port uint16) (*StandIn, error) {
	return listenStandIn(ctx, port, StandInTime)
}

func listenStandIn(ctx context.Context, port uint16, limit time.Duration) (*StandIn, error) {
	lc := net.ListenConfig{Control: exclusive}
	pc, err := lc.ListenPacket(ctx, "udp4", net.JoinHostPort("0.0.0.0", strconv.Itoa(int(port))))
	if isTaken(err) {
		return nil, fmt.Errorf("%w: UDP %d (%v)", ErrPortTaken, port, err)
	}
	if err != nil {
		return nil, fmt.Errorf("binding UDP port %d: %w", port, err)
	}
	conn := pc.(*net.UDPConn) // ListenPacket gives nothing else for "udp4"
	s := &StandIn{conn: conn, close: sync.OnceValue(conn.Close)}
	s.limit = time.AfterFunc(limit, func() { s.close() })
	return s, nil
}

// Addr is the address that was bound.
func (s *StandIn) Addr() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Close frees the port: when it returns, a game can have it. Serve then ends. It may be called more
// than once, and from anywhere.
func (s *StandIn) Close() error {
	s.limit.Stop()
	return s.close()
}

// maxReadErrors in a row end a Serve: the socket has gone bad.
const maxReadErrors = 16

// Serve answers until ctx ends, Close is called or StandInTime has passed since the binding; these
// are no errors. When it returns the port is free.
func (s *StandIn) Serve(ctx context.Context) (Report, error) {
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.close() })()
	r := newResponder()
	buf := make([]byte, maxDatagram)
	for failed := 0; ; {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return r.report(), nil
		case err != nil:
			if failed++; failed == maxReadErrors {
				return r.report(), fmt.Errorf("answering on %s: %w", s.Addr(), err)
			}
			continue
		}
		failed = 0
		if answer := r.reply(buf[:n], from, time.Now()); answer != nil {
			// An answer that cannot leave is as one that gets lost on the way.
			_, _ = s.conn.WriteToUDPAddrPort(answer, from)
		}
	}
}
