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
	"sync/atomic"
	"time"
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
	found, err := sockets(transport, func(p uint16) bool { return p == port })
	return len(found) > 0, err
}

// Finder finds out who holds ports. The zero Finder is ready; it may be used by several goroutines.
//
// It remembers what it has found: to see whose socket one is, Linux wants all open files of all
// processes read, which takes some milliseconds. That is done only when there is a socket that was
// not there the last time.
type Finder struct {
	known atomic.Pointer[map[uint64]process] // never changed once it is stored
}

// Owner tells who holds the port ("udp" or "tcp"), and which known emulator holds other UDP ports.
// It takes some milliseconds at most on a PC that is not in distress, and never more than 2 s.
//
// An error means that the answer has gaps, which are not "nobody": after an error of the first
// table Owners is empty; after one of the second Port still lists what is bound, owners hidden,
// and Elsewhere is not known.
func (f *Finder) Owner(ctx context.Context, transport string, port uint16) (Owners, error) {
	return f.owner(ctx, system{sockets, processes, firstEphemeral}, transport, port)
}

// system is what is asked of the operating system.
type system struct {
	sockets        func(transport string, wanted func(port uint16) bool) ([]socket, error)
	processes      func(ctx context.Context, ids []uint64, known map[uint64]process) (map[uint64]process, error)
	firstEphemeral func() uint16
}

// socket is a bound one, as the system lists it.
type socket struct {
	addr netip.AddrPort
	id   uint64 // what the system finds its process by: the inode (Linux), the process itself (Windows)
}

// process is one that holds a socket; the zero process is hidden.
type process struct {
	pid  int
	name string // as the system tells it
}

func (f *Finder) owner(ctx context.Context, s system, transport string, port uint16) (Owners, error) {
	var o Owners
	ephemeral := s.firstEphemeral()
	bound, err := s.sockets(transport, func(p uint16) bool {
		return p == port || transport == "udp" && p < ephemeral && p != 0
	})
	if err != nil {
		return o, err
	}
	bound = slices.DeleteFunc(bound, func(b socket) bool { return b.addr.Port() != port && b.addr.Addr().IsLoopback() })
	held, err := f.inTime(ctx, s, bound)
	if err != nil {
		err = fmt.Errorf("asking the system which process holds which %s port: %w", transport, err)
	}
	for _, b := range bound {
		p := held[b.id]
		h := Holder{Addr: b.addr, PID: p.pid, Process: clean(p.name), Self: p.pid == os.Getpid()}
		h.Emulator = knownEmulator(h.Process)
		switch {
		case b.addr.Port() == port:
			o.Port = append(o.Port, h)
		case h.Emulator:
			o.Elsewhere = append(o.Elsewhere, h)
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

// inTime asks for the processes of sockets, and gives up waiting after patience: a read of the
// system's about one process cannot be interrupted. It then goes on in a goroutine of its own.
func (f *Finder) inTime(ctx context.Context, s system, bound []socket) (map[uint64]process, error) {
	if len(bound) == 0 {
		return nil, nil
	}
	ids := make([]uint64, len(bound))
	for i, b := range bound {
		ids[i] = b.id
	}
	var known map[uint64]process
	if k := f.known.Load(); k != nil {
		known = *k
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type answer struct {
		found map[uint64]process
		err   error
	}
	came := make(chan answer, 1)
	go func() {
		found, err := s.processes(ctx, ids, known)
		came <- answer{found, err}
	}()
	select {
	case a := <-came:
		if a.err == nil {
			f.known.Store(&a.found)
		}
		return a.found, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
