//go:build linux

// Raw opens UDP 27886 with as little as it takes, prints MAPPED and closes it again: the lower
// bound that the program's start is measured against.
//
//	raw none               nothing at all: what starting a Go program costs
//	raw pcp | pmp          one request by PCP | NAT-PMP
//	raw upnp               multicast search, description, AddPortMapping
//	raw upnp-known URL     the same with the description's address known
//
// It trusts every answer: a measure, not a program to use.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

const port = 27886

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "raw:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch strings.Join(args[:min(1, len(args))], "") {
	case "none":
		fmt.Println("MAPPED")
		return nil
	case "pcp":
		return pcp()
	case "pmp":
		return pmp()
	case "upnp":
		location, err := search()
		if err != nil {
			return err
		}
		return upnp(location)
	case "upnp-known":
		if len(args) == 2 {
			return upnp(args[1])
		}
	}
	return errors.New("usage: raw none|pcp|pmp|upnp|upnp-known URL")
}

// gateway reads the default route of this network namespace.
func gateway() (netip.Addr, error) {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return netip.Addr{}, err
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[1] != "00000000" {
			continue
		}
		n, err := strconv.ParseUint(f[2], 16, 32)
		return netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, uint32(n)))), err
	}
	return netip.Addr{}, errors.New("no default route")
}

const lease = 3600 // seconds

// mapAndUnmap sends one request to the router's port 5351 and, after that, one with lifetime 0. An
// answer has at least size bytes and says success.
func mapAndUnmap(size int, request func(local netip.Addr, lifetime uint32) []byte) error {
	gw, err := gateway()
	if err != nil {
		return err
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(gw, 5351)))
	if err != nil {
		return err
	}
	local := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	if err := ask(c, size, request(local, lease)); err != nil {
		return err
	}
	fmt.Println("MAPPED")
	return ask(c, size, request(local, 0))
}

func ask(c net.Conn, size int, request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	b := make([]byte, 1100)
	n, err := c.Read(b)
	if err == nil && (n < size || b[3] != 0) {
		err = fmt.Errorf("answer %x", b[:n])
	}
	return err
}

func pmp() error {
	return mapAndUnmap(16, func(_ netip.Addr, lifetime uint32) []byte {
		external := uint16(port)
		if lifetime == 0 {
			external = 0 // RFC 6886 section 3.4
		}
		b := []byte{0, 1, 0, 0}
		b = binary.BigEndian.AppendUint16(b, port)
		b = binary.BigEndian.AppendUint16(b, external)
		return binary.BigEndian.AppendUint32(b, lifetime)
	})
}

func pcp() error {
	var nonce [12]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return mapAndUnmap(60, func(local netip.Addr, lifetime uint32) []byte {
		b := make([]byte, 60)
		b[0], b[1] = 2, 1
		binary.BigEndian.PutUint32(b[4:], lifetime)
		me := local.As16()
		copy(b[8:24], me[:])
		copy(b[24:36], nonce[:])
		b[36] = 17
		binary.BigEndian.PutUint16(b[40:], port)
		binary.BigEndian.PutUint16(b[42:], port)
		b[54], b[55] = 0xff, 0xff // ::ffff:0.0.0.0
		return b
	})
}

// search returns the first answer's description address.
func search() (string, error) {
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return "", err
	}
	const question = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n" +
		"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
	if _, err := c.WriteToUDPAddrPort([]byte(question), netip.MustParseAddrPort("239.255.255.250:1900")); err != nil {
		return "", err
	}
	if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		return "", err
	}
	b := make([]byte, 2048)
	n, err := c.Read(b)
	return between(string(b[:n]), "LOCATION: ", "\r\n"), err
}

func upnp(location string) error {
	router := between(location, "http://", "/")
	_, path, _ := strings.Cut(location, router)
	description, err := exchange(router, "GET "+path+" HTTP/1.1\r\nHost: "+router+"\r\nConnection: close\r\n\r\n")
	if err != nil {
		return err
	}
	const prefix = "urn:schemas-upnp-org:service:WANIPConnection:"
	_, service, ok := strings.Cut(description, prefix)
	if !ok || service == "" {
		return errors.New("no WANIPConnection in the description")
	}
	urn := prefix + service[:1]
	c, err := net.Dial("udp4", router) // sends nothing: it only tells our address
	if err != nil {
		return err
	}
	local := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	control := between(service, "<controlURL>", "<")
	entry := fmt.Sprintf("<NewRemoteHost></NewRemoteHost><NewExternalPort>%d</NewExternalPort><NewProtocol>UDP</NewProtocol>", port)
	add := entry + fmt.Sprintf("<NewInternalPort>%d</NewInternalPort><NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>"+
		"<NewPortMappingDescription>raw</NewPortMappingDescription><NewLeaseDuration>%d</NewLeaseDuration>", port, local, lease)
	if err := call(router, control, urn, "AddPortMapping", add); err != nil {
		return err
	}
	fmt.Println("MAPPED")
	return call(router, control, urn, "DeletePortMapping", entry)
}

func call(router, control, urn, action, arguments string) error {
	body := fmt.Sprintf(`<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" `+
		`s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%[1]s xmlns:u="%[2]s">%[3]s`+
		`</u:%[1]s></s:Body></s:Envelope>`, action, urn, arguments)
	_, err := exchange(router, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n"+
		"SOAPAction: \"%s#%s\"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		control, router, urn, action, len(body), body))
	return err
}

// exchange sends one HTTP request on a connection of its own; net/http would cost more than all
// the rest.
func exchange(router, request string) (string, error) {
	c, err := net.Dial("tcp4", router)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(c, 256<<10))
	if status, _, _ := strings.Cut(string(answer), "\r\n"); err == nil && !strings.Contains(status, " 200 ") {
		err = fmt.Errorf("router answers %q", status)
	}
	return string(answer), err
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}
