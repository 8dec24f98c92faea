// Package portowner tells which process of this PC holds a port: whether somebody is hosting, who
// it is, and whether a known emulator hosts on another port than the one that is open.
//
// It only looks at the system's own tables. It sends nothing and binds nothing, so that asking can
// never disturb a match.
package portowner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	gopsutil "github.com/shirou/gopsutil/v4/net"
)

// patience is how long Owner waits for the system to say who holds what. It takes milliseconds;
// only a PC in distress comes near this.
const patience = 2 * time.Second

// Owners is what the system tells about one port.
type Owners struct {
	// Port lists the sockets that are bound to the port, best known first. Empty means that nobody
	// holds it.
	Port []Holder
	// Elsewhere lists UDP sockets that known emulators hold on other ports, where they look like
	// hosting: not on a loopback address, and not on a port that the system gave out by itself, as
	// it does to a player who joins. What the system hides is not in here.
	Elsewhere []Holder
}

// Holder is one socket and the process it belongs to.
type Holder struct {
	Addr     netip.AddrPort // what the socket is bound to; the wildcard address for most games
	PID      int            // 0 when the system hides the owner
	Process  string         // as the system writes it, "Project64KSE.exe"; "" when hidden
	Emulator bool           // Process is an emulator that is known to speak Kaillera
	Self     bool           // it is this process: the stand-in
}

// Hidden reports whether the system did not tell whose socket it is. Linux tells it only to root
// and to the owner.
func (h Holder) Hidden() bool { return h.Process == "" }

// String names the holder for people.
func (h Holder) String() string {
	switch {
	case h.Process != "":
		return fmt.Sprintf("%s (process %d) on %v", h.Process, h.PID, h.Addr)
	case h.PID != 0:
		return fmt.Sprintf("process %d on %v", h.PID, h.Addr)
	}
	return fmt.Sprintf("a process on %v (owner hidden: only an administrator gets to see it)", h.Addr)
}

// ErrTransport means that transport is neither "udp" nor "tcp".
var ErrTransport = errors.New(`the transport is neither "udp" nor "tcp"`)

// Bound reports whether any socket of this PC is bound to the port, on whatever address, IPv6
// included; for "tcp" it must be listening. It reads one table of the system, well below a
// millisecond, and needs no privileges. With an error nothing is known: that is not "free".
func Bound(transport string, port uint16) (bool, error) {
	addrs, err := boundTo(transport, port)
	return len(addrs) > 0, err
}

// Owner tells who holds the port ("udp" or "tcp"), and which known emulator holds other UDP ports.
// It takes some milliseconds, and 2 s at most.
//
// An error means that the answer has gaps, which are not "nobody": after an error of the first
// table Owners is empty; after one of the second Port still lists what is bound, owners hidden,
// and Elsewhere is not known.
func Owner(ctx context.Context, transport string, port uint16) (Owners, error) {
	return system{boundTo, gopsutil.ConnectionsWithContext, processNames, firstEphemeral}.owner(ctx, transport, port)
}

// system is what is asked of the operating system.
type system struct {
	boundTo        func(transport string, port uint16) ([]netip.AddrPort, error)
	connections    func(ctx context.Context, kind string) ([]gopsutil.ConnectionStat, error)
	processNames   func(pids []int) map[int]string
	firstEphemeral func() uint16
}

// owner asks two tables. The first one is sure about whether the port is held; the second one tells
// by whom, but leaves rows out in silence: all of them when a Windows call fails, and the second of
// two sockets that share an address.
func (s system) owner(ctx context.Context, transport string, port uint16) (Owners, error) {
	var o Owners
	held, err := s.boundTo(transport, port)
	if err != nil {
		return o, err
	}
	all, err := s.holders(ctx, transport)
	ephemeral := s.firstEphemeral()
	for _, h := range all {
		switch {
		case h.Addr.Port() == port:
			o.Port = append(o.Port, h)
		case transport == "udp" && h.Emulator && h.Addr.Port() < ephemeral && !h.Addr.Addr().IsLoopback():
			o.Elsewhere = append(o.Elsewhere, h)
		}
	}
	for _, addr := range held {
		if !slices.ContainsFunc(o.Port, func(h Holder) bool { return h.Addr == addr }) {
			o.Port = append(o.Port, Holder{Addr: addr})
		}
	}
	slices.SortStableFunc(o.Port, byWorth)
	slices.SortStableFunc(o.Elsewhere, byWorth)
	return o, err
}

// byWorth puts first what a person wants to read first: an emulator, then any other program, then
// what is hidden, and ourselves last.
func byWorth(a, b Holder) int {
	rank := func(h Holder) int {
		switch {
		case h.Self:
			return 3
		case h.Hidden():
			return 2
		case h.Emulator:
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Addr.Compare(b.Addr), cmp.Compare(a.PID, b.PID))
}

// holders lists all bound sockets with their processes.
func (s system) holders(ctx context.Context, transport string) ([]Holder, error) {
	rows, err := s.listInTime(ctx, transport)
	if err != nil {
		return nil, err
	}
	var found []Holder
	var pids []int
	for _, row := range rows {
		addr, err := netip.ParseAddr(row.Laddr.IP)
		if err != nil || row.Laddr.Port == 0 || row.Laddr.Port > 65535 {
			continue
		}
		if transport == "tcp" && row.Status != "LISTEN" {
			continue
		}
		pid := max(int(row.Pid), 0)
		found = append(found, Holder{
			Addr: netip.AddrPortFrom(addr.Unmap(), uint16(row.Laddr.Port)), PID: pid, Self: pid == os.Getpid(),
		})
		if pid != 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	names := s.processNames(slices.Compact(pids))
	for i := range found {
		found[i].Process = clean(names[found[i].PID])
		found[i].Emulator = knownEmulator(found[i].Process)
	}
	return found, nil
}

// listInTime gives up waiting after patience: the walk over all processes cannot be interrupted. It
// then goes on in a goroutine of its own until it is through.
func (s system) listInTime(ctx context.Context, transport string) ([]gopsutil.ConnectionStat, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type answer struct {
		rows []gopsutil.ConnectionStat
		err  error
	}
	came := make(chan answer, 1)
	go func() {
		rows, err := s.connections(ctx, transport)
		came <- answer{rows, err}
	}()
	select {
	case a := <-came:
		if a.err != nil {
			return nil, fmt.Errorf("asking the system which process holds which %s port: %w", transport, a.err)
		}
		return a.rows, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the system does not tell in time which process holds which %s port: %w", transport, ctx.Err())
	}
}
