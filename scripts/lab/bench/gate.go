//go:build linux

package main

import (
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// every is the time between two packets from the internet.
const every = 20 * time.Millisecond

// outer is the router's address on the internet.
var outer = netip.MustParseAddr("11.77.0.2")

// gate sends packets from the internet to the home's outer address, and sees when they arrive at
// port 27886 of the PC.
type gate struct {
	h         *home
	transport string // udp or tcp
	inside    io.Closer
	port      atomic.Uint32 // the external port; 0: none is known
	arrived   atomic.Int64  // when the last one came in, in nanoseconds
	stop      chan struct{}
}

func (h *home) newGate(transport string) (*gate, error) {
	g := &gate{h: h, transport: transport, stop: make(chan struct{})}
	err := h.in("lan", func() (err error) {
		if transport == tcp { // the system answers: what connects has come in
			g.inside, err = net.Listen("tcp4", ":27886")
			return err
		}
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 27886})
		if err == nil {
			g.inside = c
			go g.receive(c)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	go func() { _ = h.in("wan", g.send) }()
	go g.follow()
	return g, nil
}

func (g *gate) close() {
	close(g.stop)
	g.inside.Close()
}

// send knocks until the gate is closed, each time from another port, as an opponent would: the router
// remembers where it has sent the packets of a flow, also while it starts.
func (g *gate) send() error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-g.stop:
			return nil
		case <-tick.C:
		}
		if port := g.port.Load(); port != 0 {
			g.knock(netip.AddrPortFrom(outer, uint16(port)))
		}
	}
}

// knock sends one packet. Whether it could be sent makes no difference: the next one tells.
func (g *gate) knock(to netip.AddrPort) {
	if g.transport == tcp {
		d := net.Dialer{Timeout: 200 * time.Millisecond}
		if c, err := d.Dial("tcp4", to.String()); err == nil {
			g.arrived.Store(time.Now().UnixNano())
			c.Close()
		}
		return
	}
	if c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to)); err == nil {
		_, _ = c.Write([]byte("knock"))
		c.Close()
	}
}

func (g *gate) receive(c *net.UDPConn) {
	b := make([]byte, 64)
	for {
		if _, _, err := c.ReadFromUDPAddrPort(b); err != nil {
			return
		}
		g.arrived.Store(time.Now().UnixNano())
	}
}

// follow looks which external port leads to us: some keepers choose another one each time.
func (g *gate) follow() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if ports, err := g.h.forwards(g.transport); err == nil && len(ports) > 0 {
			g.port.Store(uint32(ports[len(ports)-1]))
		}
		select {
		case <-g.stop:
			return
		case <-tick.C:
		}
	}
}

// openAfter waits for a packet that comes in after t.
func (g *gate) openAfter(t, until time.Time) (time.Time, bool) {
	for time.Now().Before(until) {
		if at := time.Unix(0, g.arrived.Load()); at.After(t) {
			return at, true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Time{}, false
}
