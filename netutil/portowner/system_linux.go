package portowner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// listening is TCP_LISTEN as /proc/net/tcp prints it.
const listening = "0A"

// sockets lists the bound ones of this PC, on ports that are wanted.
func sockets(transport string, wanted func(port uint16) bool) ([]socket, error) {
	state := ""
	switch transport {
	case "udp":
	case "tcp":
		state = listening
	default:
		return nil, fmt.Errorf("%q: %w", transport, ErrTransport)
	}
	found, err := readProcNet("/proc/net/"+transport, wanted, state)
	if err != nil {
		return nil, err
	}
	found6, err := readProcNet("/proc/net/"+transport+"6", wanted, state)
	if errors.Is(err, fs.ErrNotExist) { // IPv6 is switched off
		return found, nil
	}
	return append(found, found6...), err
}

func readProcNet(name string, wanted func(port uint16) bool, state string) ([]socket, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the system's table of ports: %w", err)
	}
	defer f.Close()
	found, err := parseProcNet(f, wanted, state)
	if err != nil {
		return nil, fmt.Errorf("the system's table of ports %s: %w", name, err)
	}
	return found, nil
}

// maxKnown bounds what is remembered of sockets that may be long gone.
const maxKnown = 4096

// processes tells whose the sockets of these inodes are. It uses what is known while those processes
// live: a socket seldom changes hands. Else it looks at the open files of all processes.
func processes(ctx context.Context, inodes []uint64, known map[uint64]process) (map[uint64]process, error) {
	wanted := make(map[string]uint64)
	for _, inode := range inodes {
		if p, ok := known[inode]; !ok || p.pid != 0 && !alive(p.pid) {
			wanted["socket:["+strconv.FormatUint(inode, 10)+"]"] = inode
		}
	}
	if len(wanted) == 0 {
		return known, nil
	}
	all := make(map[uint64]process)
	if len(known) < maxKnown {
		maps.Copy(all, known)
	}
	for _, inode := range wanted {
		all[inode] = process{} // hidden, if it is not found
	}
	pids, err := numbersIn("/proc")
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, inode := range openSockets(pid, wanted) {
			// Several may hold it: under Wine its server holds the sockets of all programs, too.
			if p := (process{pid, processName(pid)}); all[inode].pid == 0 || knownEmulator(p.name) && !knownEmulator(all[inode].name) {
				all[inode] = p
			}
		}
	}
	return all, nil
}

func alive(pid int) bool {
	_, err := os.Lstat("/proc/" + strconv.Itoa(pid))
	return err == nil
}

// openSockets lists which of the wanted sockets a process has open. What may not be seen is not there.
func openSockets(pid int, wanted map[string]uint64) []uint64 {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	files, _ := numbersIn(dir)
	var found []uint64
	for _, n := range files {
		to, err := os.Readlink(dir + "/" + strconv.Itoa(n))
		if inode, ok := wanted[to]; err == nil && ok && !slices.Contains(found, inode) {
			found = append(found, inode)
		}
	}
	return found
}

// numbersIn lists the entries of a directory that are numbers, in ascending order.
func numbersIn(dir string) ([]int, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	var numbers []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// processName is the name of a process, "" when it has ended.
func processName(pid int) string {
	dir := "/proc/" + strconv.Itoa(pid)
	comm := strings.TrimSuffix(readStart(dir+"/comm"), "\n")
	arg0, _, _ := strings.Cut(readStart(dir+"/cmdline"), "\x00")
	return fullName(comm, arg0)
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
