package portowner

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strconv"
)

// The columns of a table like /proc/net/udp (proc_net(5)); addresses and states in hexadecimal.
const (
	localColumn = 1
	stateColumn = 3
	inodeColumn = 9
)

// parseProcNet reads such a table: after one line of headings a line a socket. It returns those on a
// port that is wanted; state "" stands for any state.
func parseProcNet(r io.Reader, wanted func(port uint16) bool, state string) ([]socket, error) {
	var found []socket
	lines := bufio.NewScanner(r) // a line has 150 bytes; one above 64 KiB is an error
	for first := true; lines.Scan(); first = false {
		if first {
			continue
		}
		s, is, err := parseProcLine(lines.Bytes())
		if err != nil {
			return nil, err
		}
		if wanted(s.addr.Port()) && (state == "" || is == state) {
			found = append(found, s)
		}
	}
	return found, lines.Err()
}

func parseProcLine(line []byte) (s socket, state string, err error) {
	n := 0
	for column := range bytes.FieldsSeq(line) {
		switch n {
		case localColumn:
			s.addr, err = parseProcAddr(string(column))
		case stateColumn:
			state = string(column)
		case inodeColumn:
			s.id, err = strconv.ParseUint(string(column), 10, 64)
		}
		if err != nil {
			return socket{}, "", err
		}
		n++
	}
	if n <= inodeColumn {
		return socket{}, "", fmt.Errorf("a line with %d columns: %.60q", n, line)
	}
	return s, state, nil
}

// parseProcAddr reads an address and port as the kernel prints them there: the address in words of
// 32 bits, each in the byte order of the machine.
func parseProcAddr(s string) (netip.AddrPort, error) {
	const portDigits = 4
	colon := len(s) - portDigits - 1
	if colon < 0 || s[colon] != ':' {
		return netip.AddrPort{}, fmt.Errorf("%.60q is no address and port in hexadecimal", s)
	}
	port, err := strconv.ParseUint(s[colon+1:], 16, 16)
	raw, rawErr := hex.DecodeString(s[:colon])
	if err != nil || rawErr != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("%.60q is no address and port in hexadecimal", s)
	}
	for word := raw; len(word) > 0; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}
