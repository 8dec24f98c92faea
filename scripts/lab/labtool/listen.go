//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// listen logs announcements: NAT-PMP address changes and PCP ANNOUNCE on 224.0.0.1:5350 (RFC 6886
// section 3.2.1, RFC 6887 section 14.1.3), SSDP NOTIFY on 239.255.255.250:1900.
func listen(ctx context.Context, args []string) error {
	if len(args) > 0 {
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	ended := make(chan error, 2)
	go func() {
		ended <- listenGroup(ctx, net.UDPAddr{IP: net.IPv4(224, 0, 0, 1), Port: 5350}, func(p []byte) string {
			return fmt.Sprintf("NAT-PMP/PCP %x", p)
		})
	}()
	go func() {
		ended <- listenGroup(ctx, net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 1900}, notifyLine)
	}()
	return <-ended
}

func listenGroup(ctx context.Context, group net.UDPAddr, text func(packet []byte) string) error {
	c, err := net.ListenMulticastUDP("udp4", nil, &group)
	if err != nil {
		return err
	}
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
		fmt.Printf("%s %v %s\n", time.Now().Format("15:04:05.000"), from, text(buf[:n]))
	}
}

// notifyLine is what tells one SSDP message from another, in one line.
func notifyLine(packet []byte) string {
	lines := strings.Split(string(packet), "\r\n")
	keep := lines[:1]
	for _, l := range lines[1:] {
		switch name, _, _ := strings.Cut(strings.ToUpper(l), ":"); name {
		case "NT", "NTS", "BOOTID.UPNP.ORG", "LOCATION":
			keep = append(keep, l)
		}
	}
	return "SSDP " + strings.Join(keep, " | ")
}
