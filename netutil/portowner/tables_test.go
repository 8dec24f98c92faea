package portowner

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const heading = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

func ours(port uint16) bool { return port == 27886 }

// held is one socket of id on each address.
func held(id uint64, addrs []netip.AddrPort) []socket {
	var list []socket
	for _, a := range addrs {
		list = append(list, socket{a, id})
	}
	return list
}

// procLine is a line of /proc/net/udp as this machine's kernel would print it.
func procLine(a netip.AddrPort, state string) string {
	raw := a.Addr().AsSlice()
	for word := raw; len(word) > 0; word = word[4:] {
		binary.BigEndian.PutUint32(word, binary.NativeEndian.Uint32(word))
	}
	return fmt.Sprintf(" 1030: %X:%04X 00000000:6CEE %s 00000000:00000000 00:00000000 00000000  1000        0 27886 2 00000000aea8b17f 0\n", raw, a.Port(), state)
}

func TestParseProcNet(t *testing.T) {
	v4, v6 := at("192.168.77.2:27886"), at("[2001:db8::1]:27886")
	tests := []struct {
		name, table, state string
		want               []netip.AddrPort // all of inode 27886
		bad                bool
	}{
		{"no socket", heading, "", nil, false},
		{"IPv4", heading + procLine(v4, "07"), "", []netip.AddrPort{v4}, false},
		{"IPv6", heading + procLine(v6, "07"), "", []netip.AddrPort{v6}, false},
		{"connected counts", heading + procLine(v4, "01"), "", []netip.AddrPort{v4}, false},
		{"only what listens", heading + procLine(v4, "01") + procLine(v6, "0A"), "0A", []netip.AddrPort{v6}, false},
		{"other ports", heading + procLine(at("1.2.3.4:27887"), "07"), "", nil, false},
		{"remote port only", heading + procLine(at("1.2.3.4:1"), "07"), "", nil, false},
		{"a line cut short", heading + " 1: 00000000:6CEE\n", "", nil, true},
		{"no inode", heading + strings.Replace(procLine(v4, "07"), "27886 2", "x 2", 1), "", nil, true},
		{"a port of 2 digits", heading + strings.Replace(procLine(v4, "07"), ":6CEE", ":6C", 1), "", nil, true},
		{"no address", heading + " 1: XYZ:6CEE 0:0 07\n", "", nil, true},
		{"an address of 3 bytes", heading + " 1: 000000:6CEE 0:0 07\n", "", nil, true},
		{"a line without end", heading + strings.Repeat("x", 70000), "", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseProcNet(strings.NewReader(tt.table), ours, tt.state)
			if (err != nil) != tt.bad || !slices.Equal(got, held(27886, tt.want)) {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// mibTable is a table with one row for each address.
func mibTable(row rowLayout, addrs ...netip.AddrPort) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(addrs)))
	for _, a := range addrs {
		r := make([]byte, row.size)
		copy(r[row.addr:row.addr+row.addrLen], a.Addr().AsSlice())
		binary.BigEndian.PutUint16(r[row.port:], a.Port())
		binary.LittleEndian.PutUint32(r[row.pid:], 0x1234)
		b = append(b, r...)
	}
	return b
}

func TestParseTable(t *testing.T) {
	v4, other4 := at("0.0.0.0:27886"), at("192.168.77.2:27887")
	v6, other6 := at("[::]:27886"), at("[fe80::1]:5353")
	tests := []struct {
		name string
		b    []byte
		row  rowLayout
		want []netip.AddrPort // all of process 0x1234
		bad  bool
	}{
		{"empty", mibTable(udp4Row), udp4Row, nil, false},
		{"udp", append(mibTable(udp4Row, other4, v4, other4), 1, 2, 3), udp4Row, []netip.AddrPort{v4}, false},
		{"udp6", mibTable(udp6Row, other6, v6), udp6Row, []netip.AddrPort{v6}, false},
		{"tcp", mibTable(tcp4Row, v4, other4), tcp4Row, []netip.AddrPort{v4}, false},
		{"tcp6", mibTable(tcp6Row, v6, other6), tcp6Row, []netip.AddrPort{v6}, false},
		{"bytes of a real row", []byte{1, 0, 0, 0, 127, 0, 0, 1, 0x6c, 0xee, 0xff, 0xff, 0x34, 0x12, 0, 0}, udp4Row, []netip.AddrPort{at("127.0.0.1:27886")}, false},
		{"nothing", nil, udp4Row, nil, true},
		{"fewer bytes than rows", mibTable(udp4Row, v4)[:15], udp4Row, nil, true},
		{"more rows than memory", []byte{255, 255, 255, 255, 0, 0, 0, 0}, tcp6Row, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseTable(tt.b, tt.row, ours)
			if (err != nil) != tt.bad || !slices.Equal(got, held(0x1234, tt.want)) {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"Project64KSE.exe": true, "PROJECT64K.EXE": true, "Project64KSE.ex": true, "RMG": true, "RMG-K.exe": true,
		"mame32k.exe": true, "snes9x-x64.exe": true, "fbneo64.exe": true,
		"": false, ".exe": false, "armgate": false, "rmgr": false, "firefox": false, "portsitter.exe": false, "svchost.exe": false,
	} {
		if got := knownEmulator(name); got != want {
			t.Errorf("knownEmulator(%q) = %v", name, got)
		}
	}
	for _, tt := range [][3]string{
		{"Project64KSE.ex", `C:\Games\Project64KSE.exe`, "Project64KSE.exe"},
		{"Project64KSE.ex", "/home/a/Project64KSE.exe", "Project64KSE.exe"},
		{"Project64KSE.ex", "", "Project64KSE.ex"},
		{"Project64KSE.ex", "wine64-preloader", "Project64KSE.ex"},
		{"short", "/usr/bin/shorter", "short"},
	} {
		if got := fullName(tt[0], tt[1]); got != tt[2] {
			t.Errorf("fullName(%q, %q) = %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
	if got := clean(strings.Repeat("é", 100) + "\xff"); got != strings.Repeat("é", maxName) {
		t.Errorf("clean keeps %q", got)
	}
}

func FuzzParseProcNet(f *testing.F) {
	f.Add(heading + procLine(at("1.2.3.4:27886"), "07"))
	f.Add(heading + " 1: :6CEE 0 0 0")
	f.Fuzz(func(t *testing.T, table string) {
		got, err := parseProcNet(strings.NewReader(table), ours, "")
		for _, s := range got {
			if a := s.addr; err == nil && (a.Port() != 27886 || !a.IsValid()) {
				t.Errorf("%v out of %q", s, table)
			}
		}
	})
}

func FuzzParseTable(f *testing.F) {
	f.Add(mibTable(udp4Row, at("1.2.3.4:27886")), uint8(0))
	f.Add(mibTable(tcp6Row, at("[::]:27886")), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		row := []rowLayout{udp4Row, udp6Row, tcp4Row, tcp6Row}[which%4]
		got, err := parseTable(b, row, ours)
		if err == nil && len(got) > len(b)/row.size {
			t.Errorf("%d rows out of %d bytes", len(got), len(b))
		}
	})
}
