//go:build lab && linux

package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// tap records what LAN hosts ask of the router, whether or not it answers.
type tap struct {
	mu   sync.Mutex
	seen []request
}

type request struct {
	at      time.Time
	service string // pmp, ssdp or http
	removes bool   // it asks PCP or NAT-PMP to remove a mapping: every repair begins with that
}

// asksToRemove reports whether an IPv4 packet to port 5351 is a MAP with a lifetime of 0: opcode 1 or 2
// of NAT-PMP (RFC 6886 section 3.4), 1 of PCP (RFC 6887 section 11.1). A MAP with another lifetime may
// be a refresh, which leaves an entry as it is.
func asksToRemove(ip []byte) bool {
	at := int(ip[0]&0xf)*4 + 8 // past the UDP header
	if len(ip) < at+12 {
		return false
	}
	version, opcode, lifetime := ip[at], ip[at+1], ip[at+8:at+12]
	if version != 0 {
		lifetime = ip[at+4 : at+8]
	}
	maps := opcode == 1 || version == 0 && opcode == 2
	return maps && binary.BigEndian.Uint32(lifetime) == 0
}

// tap starts recording; it ends with the test.
func (h *home) tap() *tap {
	h.t.Helper()
	var f *os.File
	err := h.inside("router", func() (err error) {
		f, err = openTap("br-lan", unix.ETH_P_IP)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	tp := &tap{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tp.record(f)
	}()
	h.t.Cleanup(func() {
		f.Close()
		<-ended
	})
	return tp
}

// openTap is a packet socket without link-layer headers (packet(7)). Only with ETH_P_ALL does it see
// what leaves, too. It must not block, so that closing the file ends a read.
func openTap(name string, etherType uint16) (*os.File, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, etherType))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: ifi.Index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (tp *tap) record(f *os.File) {
	buf := make([]byte, 2048)
	for {
		n, err := f.Read(buf)
		if errors.Is(err, unix.ENETDOWN) {
			continue // the router reboots
		}
		if err != nil {
			return
		}
		if service := classify(buf[:n]); service != "" {
			tp.mu.Lock()
			tp.seen = append(tp.seen, request{time.Now(), service, service == "pmp" && asksToRemove(buf[:n])})
			tp.mu.Unlock()
		}
	}
}

// classify says which service an IPv4 packet from a LAN host asks; "" for any other packet.
func classify(p []byte) string {
	if len(p) < 20 {
		return ""
	}
	header := int(p[0]&15) * 4
	fromHost := [3]byte(p[12:15]) == [3]byte{192, 168, 77} && p[15] != 1
	if !fromHost || header < 20 || len(p) < header+4 {
		return ""
	}
	protocol, port, flags := p[9], binary.BigEndian.Uint16(p[header+2:]), byte(0)
	if protocol == unix.IPPROTO_TCP && len(p) >= header+14 {
		flags = p[header+13]
	}
	const syn, ack = 2, 16
	switch {
	case protocol == unix.IPPROTO_UDP && port == 5351:
		return "pmp"
	case protocol == unix.IPPROTO_UDP && port == 1900:
		return "ssdp"
	case protocol == unix.IPPROTO_TCP && port == 5000 && flags&(syn|ack) == syn:
		return "http" // one a connection
	}
	return ""
}

// all are the requests so far.
func (tp *tap) all() []request { return tp.since(time.Time{}) }

// since are the requests that came at or after t.
func (tp *tap) since(t time.Time) []request {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	for i, r := range tp.seen {
		if !r.at.Before(t) {
			return append([]request(nil), tp.seen[i:]...)
		}
	}
	return nil
}

// pauses are the times without any request that are longer than 1.5 s: the silence between two
// attempts. Two tries of one attempt are at most a second apart.
func pauses(seen []request) []time.Duration {
	var all []time.Duration
	for i := 1; i < len(seen); i++ {
		if d := seen[i].at.Sub(seen[i-1].at); d > 1500*time.Millisecond {
			all = append(all, d)
		}
	}
	return all
}

func count(seen []request) map[string]int {
	n := map[string]int{}
	for _, r := range seen {
		n[r.service]++
	}
	return n
}
