//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// wire copies frames between two interfaces, holding each one for a while and losing some. It
// stands in for tc netem, which not every kernel has built in.
func wire(ctx context.Context, args []string) error {
	delay, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	loss := 0.0
	if len(args) > 3 {
		if loss, err = strconv.ParseFloat(args[3], 64); err != nil {
			return err
		}
	}
	a, err := openInterface(args[0])
	if err != nil {
		return err
	}
	b, err := openInterface(args[1])
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- carry(a, b, delay, loss) }()
	go func() { ended <- carry(b, a, delay, loss) }()
	fmt.Printf("ready: %s <-> %s, %v, %v%% lost\n", args[0], args[1], delay, loss)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// openInterface is a packet socket that sees every frame of one interface (packet(7)).
func openInterface(name string) (int, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	// The kernel wants the protocol in network byte order.
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: ifi.Index}); err != nil {
		return -1, fmt.Errorf("%s: %w", name, err)
	}
	promiscuous := unix.PacketMreq{Ifindex: int32(ifi.Index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &promiscuous); err != nil {
		return -1, fmt.Errorf("%s promiscuous: %w", name, err)
	}
	return fd, nil
}

type frame struct {
	due  time.Time
	data []byte
}

func carry(from, to int, delay time.Duration, loss float64) error {
	held := make(chan frame, 4096)
	defer close(held)
	go func() {
		for f := range held {
			time.Sleep(time.Until(f.due))
			_, _ = unix.Write(to, f.data) // the other side is down: a lost frame
		}
	}()
	buf := make([]byte, 1<<16)
	for {
		n, sender, err := unix.Recvfrom(from, buf, 0)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) {
			continue
		}
		if err != nil {
			return err
		}
		// Our own writes come by as outgoing frames.
		if ll, ok := sender.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if rand.Float64()*100 < loss {
			continue
		}
		select {
		case held <- frame{time.Now().Add(delay), append([]byte(nil), buf[:n]...)}:
		default: // more than 4096 frames under way: lost, as in any full queue
		}
	}
}
