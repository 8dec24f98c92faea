package route

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// kernel is a socket to ask the kernel's routing tables (rtnetlink(7)). Not for several goroutines.
type kernel struct {
	fd     int
	seq    uint32
	buffer *[answerRoom]byte
}

// answerRoom is how much the kernel fills at a time if it is given the room.
const answerRoom = 32 << 10

// buffers are used again: for a program at rest they were most of its garbage. What is parsed out of
// one does not refer to it.
var buffers = sync.Pool{New: func() any { return new([answerRoom]byte) }}

// askLimit bounds each wait for the kernel, which answers within microseconds.
const askLimit = 2 * time.Second

func openKernel() (*kernel, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("netlink socket", err)
	}
	limit := unix.NsecToTimeval(askLimit.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("netlink time limit", err)
	}
	return &kernel{fd: fd, buffer: buffers.Get().(*[answerRoom]byte)}, nil
}

func (k *kernel) close() {
	unix.Close(k.fd)
	buffers.Put(k.buffer)
}

// ask sends one request and hands each message of the answer to each.
func (k *kernel) ask(kind, flags uint16, body []byte, each func(message)) error {
	k.seq++
	request := appendMessage(nil, message{kind: kind, flags: flags | unix.NLM_F_REQUEST, seq: k.seq, body: body})
	if err := unix.Sendto(k.fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("netlink send", err)
	}
	for {
		n, from, err := unix.Recvfrom(k.fd, k.buffer[:], 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("netlink receive", err)
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue // another process; the kernel's number is 0
		}
		for m := range messages(k.buffer[:n]) {
			if m.seq != k.seq {
				continue
			}
			if done, err := m.ends(); done {
				return err
			}
			each(m)
			if m.flags&unix.NLM_F_MULTI == 0 {
				return nil
			}
		}
	}
}

// dump asks for a whole table. The kernel says so when the table changed under the dump: then it
// asks again, after a call of restart.
func (k *kernel) dump(kind uint16, body []byte, restart func(), each func(message)) error {
	for range 3 {
		interrupted := false
		err := k.ask(kind, unix.NLM_F_DUMP, body, func(m message) {
			interrupted = interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
			each(m)
		})
		if err != nil || !interrupted {
			return err
		}
		restart()
	}
	return fmt.Errorf("netlink dump %d: the table did not hold still", kind)
}

// message is one netlink message.
type message struct {
	kind, flags uint16
	seq         uint32
	body        []byte
}

// ends reports whether m ends an answer, and with what error.
func (m message) ends() (bool, error) {
	if m.kind != unix.NLMSG_DONE && m.kind != unix.NLMSG_ERROR {
		return false, nil
	}
	if len(m.body) < 4 {
		return true, nil
	}
	if code := int32(binary.NativeEndian.Uint32(m.body)); code < 0 {
		return true, os.NewSyscallError("netlink answer", unix.Errno(-code))
	}
	return true, nil
}

// appendMessage encodes m.
func appendMessage(b []byte, m message) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(m.body)))
	b = binary.NativeEndian.AppendUint16(b, m.kind)
	b = binary.NativeEndian.AppendUint16(b, m.flags)
	b = binary.NativeEndian.AppendUint32(b, m.seq)
	b = binary.NativeEndian.AppendUint32(b, 0) // port: the kernel fills it in
	return pad(append(b, m.body...))
}

// messages splits what a netlink socket gave. It ends at the first thing that makes no sense.
func messages(b []byte) iter.Seq[message] {
	return func(yield func(message) bool) {
		for len(b) >= unix.SizeofNlMsghdr {
			size := binary.NativeEndian.Uint32(b)
			if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(b)) {
				return
			}
			m := message{
				kind:  binary.NativeEndian.Uint16(b[4:]),
				flags: binary.NativeEndian.Uint16(b[6:]),
				seq:   binary.NativeEndian.Uint32(b[8:]),
				body:  b[unix.SizeofNlMsghdr:size],
			}
			if !yield(m) {
				return
			}
			b = b[min(aligned(int(size)), len(b)):]
		}
	}
}

// attributes splits the attributes of a message, likewise.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofRtAttr {
			size := int(binary.NativeEndian.Uint16(b))
			if size < unix.SizeofRtAttr || size > len(b) {
				return
			}
			kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if !yield(kind, b[unix.SizeofRtAttr:size]) {
				return
			}
			b = b[min(aligned(size), len(b)):]
		}
	}
}

// appendAttribute encodes one attribute.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return pad(append(b, value...))
}

// aligned rounds up to the 4 bytes that netlink aligns everything to.
func aligned(n int) int { return (n + 3) &^ 3 }

func pad(b []byte) []byte { return append(b, make([]byte, aligned(len(b))-len(b))...) }

// number is a 32-bit attribute, 0 if it is too short to be one.
func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// ipv4 is an address attribute, not valid if it is no IPv4 address.
func ipv4(b []byte) netip.Addr {
	if len(b) != 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(b))
}
