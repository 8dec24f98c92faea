package portowner

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// parseProcNet reads a table like /proc/net/udp (proc_net(5)): after one line of headings a line a
// socket, with the local address and port in hexadecimal in the second column and the state in the
// fourth. It returns the local addresses of those on port; state "" stands for any state.
func parseProcNet(r io.Reader, port uint16, state string) ([]netip.AddrPort, error) {
	var found []netip.AddrPort
	lines := bufio.NewScanner(r) // a line has 150 bytes; one above 64 KiB is an error
	wanted := fmt.Sprintf(":%04X", port)
	for first := true; lines.Scan(); first = false {
		if first || !strings.Contains(lines.Text(), wanted) {
			continue
		}
		columns := strings.Fields(lines.Text())
		if len(columns) < 4 {
			return nil, fmt.Errorf("a line with %d columns: %.60q", len(columns), lines.Text())
		}
		address, ours := strings.CutSuffix(columns[1], wanted)
		if !ours || state != "" && columns[3] != state {
			continue
		}
		addr, err := parseProcAddr(address)
		if err != nil {
			return nil, err
		}
		found = append(found, netip.AddrPortFrom(addr, port))
	}
	return found, lines.Err()
}

// parseProcAddr reads an address as the kernel prints it there: in words of 32 bits, each in the
// byte order of the machine.
func parseProcAddr(s string) (netip.Addr, error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.Addr{}, fmt.Errorf("%.60q is no address in hexadecimal", s)
	}
	for word := raw; len(word) > 0; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return addr.Unmap(), nil
}
