package portowner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// listening is TCP_LISTEN as /proc/net/tcp prints it.
const listening = "0A"

// boundTo lists the addresses on which sockets of this PC are bound to the port.
func boundTo(transport string, port uint16) ([]netip.AddrPort, error) {
	state := ""
	switch transport {
	case "udp":
	case "tcp":
		state = listening
	default:
		return nil, fmt.Errorf("%q: %w", transport, ErrTransport)
	}
	found, err := readProcNet("/proc/net/"+transport, port, state)
	if err != nil {
		return nil, err
	}
	found6, err := readProcNet("/proc/net/"+transport+"6", port, state)
	if errors.Is(err, fs.ErrNotExist) { // IPv6 is switched off
		return found, nil
	}
	return append(found, found6...), err
}

func readProcNet(name string, port uint16, state string) ([]netip.AddrPort, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the system's table of ports: %w", err)
	}
	defer f.Close()
	found, err := parseProcNet(f, port, state)
	if err != nil {
		return nil, fmt.Errorf("the system's table of ports %s: %w", name, err)
	}
	return found, nil
}

// processNames tells the names of processes; those that have ended are left out.
func processNames(pids []int) map[int]string {
	names := make(map[int]string, len(pids))
	for _, pid := range pids {
		dir := "/proc/" + strconv.Itoa(pid)
		if comm := strings.TrimSuffix(readStart(dir+"/comm"), "\n"); comm != "" {
			arg0, _, _ := strings.Cut(readStart(dir+"/cmdline"), "\x00")
			names[pid] = fullName(comm, arg0)
		}
	}
	return names
}

// readStart reads the beginning of a small file, "" when it is not to be had.
func readStart(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return ""
	}
	return string(b)
}

// firstEphemeral is the first of the ports that the system gives to sockets that ask for none.
func firstEphemeral() uint16 {
	first, _, _ := strings.Cut(readStart("/proc/sys/net/ipv4/ip_local_port_range"), "\t")
	n, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return 32768 // the kernel's own default
	}
	return uint16(n)
}
