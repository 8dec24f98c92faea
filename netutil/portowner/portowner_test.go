package portowner

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// of lists sockets, each with its process: 10 an emulator, 11 not, 12 ended meanwhile, 13 with a strange
// name, 0 hidden, and our own.
func of(rows ...any) []socket {
	var list []socket
	for i := 0; i < len(rows); i += 2 {
		list = append(list, socket{at(rows[i].(string)), uint64(rows[i+1].(int))})
	}
	return list
}

// fake is a system in which these are bound, and whose processes are told or err.
func fake(bound []socket, err error) system {
	names := map[uint64]string{10: "Project64KSE.exe", 11: "firefox", 13: "bad\x1b[31m\nname", uint64(os.Getpid()): "portsitter"}
	return system{
		sockets: func(_ string, wanted func(uint16) bool) ([]socket, error) {
			return slices.DeleteFunc(slices.Clone(bound), func(s socket) bool { return !wanted(s.addr.Port()) }), nil
		},
		processes: func(_ context.Context, ids []uint64, _ map[uint64]process) (map[uint64]process, error) {
			found := make(map[uint64]process)
			for _, id := range ids {
				found[id] = process{int(id), names[id]}
			}
			return found, err
		},
		firstEphemeral: func() uint16 { return 32768 },
	}
}

func TestOwner(t *testing.T) {
	wildcard, self := at("0.0.0.0:27886"), os.Getpid()
	kse := Holder{Addr: wildcard, PID: 10, Process: "Project64KSE.exe", Emulator: true}
	tests := []struct {
		name      string
		transport string
		bound     []socket
		want      Owners
	}{
		{"nobody", "udp", nil, Owners{}},
		{"an emulator", "udp", of("0.0.0.0:27886", 10), Owners{Port: []Holder{kse}}},
		{"owner hidden by the system", "udp", of("0.0.0.0:27886", 0), Owners{Port: []Holder{{Addr: wildcard}}}},
		{"ended in between: no name", "udp", of("0.0.0.0:27886", 12), Owners{Port: []Holder{{Addr: wildcard, PID: 12}}}},
		{"the emulator is named first, we ourselves last", "udp",
			of("0.0.0.0:27886", self, "127.0.0.1:27886", 0, "127.0.0.2:27886", 11, "0.0.0.0:27886", 10), Owners{Port: []Holder{
				kse, {Addr: at("127.0.0.2:27886"), PID: 11, Process: "firefox"}, {Addr: at("127.0.0.1:27886")},
				{Addr: wildcard, PID: self, Process: "portsitter", Self: true},
			}}},
		{"hosting elsewhere", "udp", of("0.0.0.0:27890", 10),
			Owners{Elsewhere: []Holder{{Addr: at("0.0.0.0:27890"), PID: 10, Process: "Project64KSE.exe", Emulator: true}}}},
		{"an emulator that joins somebody", "udp", of("0.0.0.0:40000", 10), Owners{}},
		{"an emulator on loopback", "udp", of("127.0.0.1:27890", 10), Owners{}},
		{"another program elsewhere", "udp", of("0.0.0.0:5353", 11), Owners{}},
		{"control characters in a name", "udp", of("0.0.0.0:27886", 13),
			Owners{Port: []Holder{{Addr: wildcard, PID: 13, Process: "bad[31mname"}}}},
		{"tcp elsewhere is no hosting", "tcp", of("0.0.0.0:27886", 10, "0.0.0.0:27890", 10), Owners{Port: []Holder{kse}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := new(Finder).owner(t.Context(), fake(tt.bound, nil), tt.transport, 27886)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

// Unknown is not empty: what is bound stays known when the owners are not to be had.
func TestOwnerGaps(t *testing.T) {
	broken := errors.New("no such table")
	s := fake(of("0.0.0.0:27886", 10), nil)
	s.processes = func(context.Context, []uint64, map[uint64]process) (map[uint64]process, error) { return nil, broken }
	got, err := new(Finder).owner(t.Context(), s, "udp", 27886)
	if !errors.Is(err, broken) || len(got.Port) != 1 || !got.Port[0].Hidden() {
		t.Errorf("processes broken: %+v, %v", got, err)
	}
	s.sockets = func(string, func(uint16) bool) ([]socket, error) { return nil, broken }
	if got, err := new(Finder).owner(t.Context(), s, "udp", 27886); !errors.Is(err, broken) || len(got.Port) != 0 {
		t.Errorf("sockets broken: %+v, %v", got, err)
	}
}

func TestOwnerDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := fake(of("0.0.0.0:27886", 10), nil)
		s.processes = func(context.Context, []uint64, map[uint64]process) (map[uint64]process, error) {
			<-release
			return nil, nil
		}
		start := time.Now()
		got, err := new(Finder).owner(t.Context(), s, "udp", 27886)
		if took := time.Since(start); took != patience {
			t.Errorf("took %v, want %v", took, patience)
		}
		if !errors.Is(err, context.DeadlineExceeded) || len(got.Port) != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		close(release) // the goroutine left behind must end, or the bubble complains
	})
}

// What an answer found is handed to the next question; what an error cut short is not.
func TestFinderRemembers(t *testing.T) {
	var f Finder
	s := fake(of("0.0.0.0:27886", 10), nil)
	tell, broken := s.processes, error(nil)
	var handed []map[uint64]process
	s.processes = func(ctx context.Context, ids []uint64, known map[uint64]process) (map[uint64]process, error) {
		handed = append(handed, known)
		found, _ := tell(ctx, ids, known)
		return found, broken
	}
	for _, broken = range []error{errors.New("cut short"), nil, errors.New("cut short"), nil} {
		if _, err := f.owner(t.Context(), s, "udp", 27886); !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	seen := map[uint64]process{10: {10, "Project64KSE.exe"}}
	if want := []map[uint64]process{nil, nil, seen, seen}; !reflect.DeepEqual(handed, want) {
		t.Errorf("handed on %v, want %v", handed, want)
	}
}

func TestTransport(t *testing.T) {
	for _, transport := range []string{"", "UDP", "sctp", "../../etc/passwd"} {
		if held, err := Bound(transport, 27886); held || !errors.Is(err, ErrTransport) {
			t.Errorf("Bound(%q) = %v, %v", transport, held, err)
		}
		if _, err := new(Finder).Owner(t.Context(), transport, 27886); !errors.Is(err, ErrTransport) {
			t.Errorf("Owner(%q): %v", transport, err)
		}
	}
}

func TestString(t *testing.T) {
	for _, tt := range []struct {
		h    Holder
		want string
	}{
		{Holder{Addr: at("0.0.0.0:27886"), PID: 10, Process: "RMG"}, "RMG (process 10) on 0.0.0.0:27886"},
		{Holder{Addr: at("0.0.0.0:27886"), PID: 10}, "process 10 on 0.0.0.0:27886"},
		{Holder{Addr: at("[::]:27886")}, "a process on [::]:27886 (owner hidden: only an administrator gets to see it)"},
	} {
		if got := tt.h.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
