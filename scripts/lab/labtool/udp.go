//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// datagram is the most that is read of a packet: more than any protocol here sends.
const datagram = 2048

// serve answers every packet to addr with what reply makes of it, until ctx ends. A nil answer is
// not sent.
func serve(ctx context.Context, addr string, reply func(from netip.AddrPort, packet []byte) []byte) error {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp4", addr)
	if err != nil {
		return err
	}
	c := pc.(*net.UDPConn)
	defer context.AfterFunc(ctx, func() { c.Close() })()
	buf := make([]byte, datagram)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if answer := reply(from, buf[:n]); answer != nil {
			// An answer that cannot be sent is a lost packet to the one who asked.
			_, _ = c.WriteToUDPAddrPort(answer, from)
		}
	}
}

func echo(ctx context.Context, args []string) error {
	return serve(ctx, args[0], func(from netip.AddrPort, packet []byte) []byte {
		fmt.Printf("%d bytes from %v: %q\n", len(packet), from, packet)
		return packet
	})
}

func probe(ctx context.Context, args []string) error {
	timeout, tries := time.Second, 1
	var err error
	if len(args) > 1 {
		if timeout, err = time.ParseDuration(args[1]); err != nil {
			return err
		}
	}
	if len(args) > 2 {
		if tries, err = strconv.Atoi(args[2]); err != nil {
			return err
		}
	}
	c, err := dialUDP(ctx, args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	for range tries {
		if took, ok := ask(c, timeout); ok {
			fmt.Printf("%s answered in %v\n", args[0], took.Round(time.Microsecond))
			return nil
		}
	}
	return fmt.Errorf("no answer from %s to %d packets, %v each", args[0], tries, timeout)
}

// ask sends one packet and waits for it to come back.
func ask(c net.Conn, timeout time.Duration) (took time.Duration, ok bool) {
	start := time.Now()
	question := fmt.Sprintf("probe %d", start.UnixNano())
	if _, err := c.Write([]byte(question)); err != nil {
		return 0, false // refused by ICMP: this try has failed
	}
	if err := c.SetReadDeadline(start.Add(timeout)); err != nil {
		return 0, false
	}
	buf := make([]byte, datagram)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return 0, false
		}
		if string(buf[:n]) == question {
			return time.Since(start), true
		}
	}
}

func dialUDP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "udp4", addr)
}

// knock sends numbered packets, each from a new port: a router with a flow in its connection table
// lets it through even when the mapping is gone, and a new opponent is a new flow.
func knock(ctx context.Context, args []string) error {
	interval := 50 * time.Millisecond
	if len(args) > 1 {
		var err error
		if interval, err = time.ParseDuration(args[1]); err != nil {
			return err
		}
	}
	if interval <= 0 {
		return fmt.Errorf("interval %v: more than 0 is needed", interval)
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for n := 1; ; n++ {
		c, err := dialUDP(ctx, args[0])
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		// A packet that cannot leave is one that does not arrive: that is what sink measures.
		_, _ = fmt.Fprintf(c, "knock %d", n)
		c.Close()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func sink(ctx context.Context, args []string) error {
	var last time.Time
	var longest time.Duration
	count := 0
	err := serve(ctx, args[0], func(from netip.AddrPort, packet []byte) []byte {
		now := time.Now()
		if !last.IsZero() {
			longest = max(longest, now.Sub(last))
		}
		last = now
		count++
		fmt.Printf("%s %v %q\n", now.Format("15:04:05.000"), from, packet)
		return nil
	})
	fmt.Printf("%d packets, longest pause %v\n", count, longest.Round(time.Millisecond))
	return err
}
