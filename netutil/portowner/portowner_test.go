package portowner

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	gopsutil "github.com/shirou/gopsutil/v4/net"
)

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// row is one that the system lists.
func row(ip string, port uint32, pid int32, status string) gopsutil.ConnectionStat {
	return gopsutil.ConnectionStat{Laddr: gopsutil.Addr{IP: ip, Port: port}, Pid: pid, Status: status}
}

// fake is a system in which 27886 and the given rows are bound.
func fake(held []netip.AddrPort, rows []gopsutil.ConnectionStat, err error) system {
	return system{
		boundTo:     func(string, uint16) ([]netip.AddrPort, error) { return held, nil },
		connections: func(context.Context, string) ([]gopsutil.ConnectionStat, error) { return rows, err },
		processNames: func([]int) map[int]string {
			return map[int]string{10: "Project64KSE.exe", 11: "firefox", 12: "snes9x", 13: "bad\x1b[31m\nname"}
		},
		firstEphemeral: func() uint16 { return 32768 },
	}
}

func TestOwner(t *testing.T) {
	wildcard := at("0.0.0.0:27886")
	kse := Holder{Addr: wildcard, PID: 10, Process: "Project64KSE.exe", Emulator: true}
	tests := []struct {
		name      string
		transport string
		held      []netip.AddrPort
		rows      []gopsutil.ConnectionStat
		want      Owners
	}{
		{"nobody", "udp", nil, nil, Owners{}},
		{"an emulator", "udp", []netip.AddrPort{wildcard}, []gopsutil.ConnectionStat{row("0.0.0.0", 27886, 10, "")},
			Owners{Port: []Holder{kse}}},
		{"owner hidden by the system", "udp", []netip.AddrPort{wildcard}, []gopsutil.ConnectionStat{row("0.0.0.0", 27886, 0, "")},
			Owners{Port: []Holder{{Addr: wildcard}}}},
		{"left out of the second table: held nevertheless", "udp", []netip.AddrPort{wildcard}, nil,
			Owners{Port: []Holder{{Addr: wildcard}}}},
		{"ended in between: no name", "udp", []netip.AddrPort{wildcard}, []gopsutil.ConnectionStat{row("0.0.0.0", 27886, 99, "")},
			Owners{Port: []Holder{{Addr: wildcard, PID: 99}}}},
		{"the emulator is named first, we ourselves last", "udp", nil, []gopsutil.ConnectionStat{
			row("0.0.0.0", 27886, int32(os.Getpid()), ""), row("127.0.0.1", 27886, 0, ""), row("127.0.0.2", 27886, 11, ""), row("0.0.0.0", 27886, 10, ""),
		}, Owners{Port: []Holder{
			kse, {Addr: at("127.0.0.2:27886"), PID: 11, Process: "firefox"}, {Addr: at("127.0.0.1:27886")}, {Addr: wildcard, PID: os.Getpid(), Self: true},
		}}},
		{"IPv4 written as IPv6", "udp", []netip.AddrPort{wildcard}, []gopsutil.ConnectionStat{row("::ffff:0.0.0.0", 27886, 10, "")},
			Owners{Port: []Holder{kse}}},
		{"hosting elsewhere", "udp", nil, []gopsutil.ConnectionStat{row("0.0.0.0", 27890, 10, "")},
			Owners{Elsewhere: []Holder{{Addr: at("0.0.0.0:27890"), PID: 10, Process: "Project64KSE.exe", Emulator: true}}}},
		{"an emulator that joins somebody", "udp", nil, []gopsutil.ConnectionStat{row("0.0.0.0", 40000, 10, "")}, Owners{}},
		{"an emulator on loopback", "udp", nil, []gopsutil.ConnectionStat{row("127.0.0.1", 27890, 10, "")}, Owners{}},
		{"another program elsewhere", "udp", nil, []gopsutil.ConnectionStat{row("0.0.0.0", 5353, 11, "")}, Owners{}},
		{"control characters in a name", "udp", nil, []gopsutil.ConnectionStat{row("0.0.0.0", 27886, 13, "")},
			Owners{Port: []Holder{{Addr: wildcard, PID: 13, Process: "bad[31mname"}}}},
		{"nonsense rows", "udp", nil, []gopsutil.ConnectionStat{row("", 27886, 10, ""), row("*", 27886, 10, ""), row("0.0.0.0", 70000+27886, 10, "")}, Owners{}},
		{"tcp: only what listens", "tcp", nil, []gopsutil.ConnectionStat{
			row("0.0.0.0", 27886, 10, "LISTEN"), row("192.168.1.5", 27886, 10, "ESTABLISHED"), row("0.0.0.0", 27890, 10, "LISTEN"),
		}, Owners{Port: []Holder{kse}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fake(tt.held, tt.rows, nil).owner(t.Context(), tt.transport, 27886)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

// Unknown is not empty: what is bound stays known when the owners are not to be had.
func TestOwnerGaps(t *testing.T) {
	broken := errors.New("no such table")
	held := []netip.AddrPort{at("0.0.0.0:27886")}
	got, err := fake(held, nil, broken).owner(t.Context(), "udp", 27886)
	if !errors.Is(err, broken) || len(got.Port) != 1 || !got.Port[0].Hidden() {
		t.Errorf("second table broken: %+v, %v", got, err)
	}
	s := fake(held, nil, nil)
	s.boundTo = func(string, uint16) ([]netip.AddrPort, error) { return nil, broken }
	if got, err := s.owner(t.Context(), "udp", 27886); !errors.Is(err, broken) || len(got.Port) != 0 {
		t.Errorf("first table broken: %+v, %v", got, err)
	}
}

func TestOwnerDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := fake([]netip.AddrPort{at("0.0.0.0:27886")}, nil, nil)
		s.connections = func(context.Context, string) ([]gopsutil.ConnectionStat, error) {
			<-release
			return nil, nil
		}
		start := time.Now()
		got, err := s.owner(t.Context(), "udp", 27886)
		if took := time.Since(start); took != patience {
			t.Errorf("took %v, want %v", took, patience)
		}
		if !errors.Is(err, context.DeadlineExceeded) || len(got.Port) != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		close(release) // the goroutine left behind must end, or the bubble complains
	})
}

func TestTransport(t *testing.T) {
	for _, transport := range []string{"", "UDP", "sctp", "../../etc/passwd"} {
		if held, err := Bound(transport, 27886); held || !errors.Is(err, ErrTransport) {
			t.Errorf("Bound(%q) = %v, %v", transport, held, err)
		}
		if _, err := Owner(t.Context(), transport, 27886); !errors.Is(err, ErrTransport) {
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
