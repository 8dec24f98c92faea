//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// trap answers searches with a description at the router's own address, beside the router's own.
func (s scene) trap(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", netip.AddrPortFrom(s.own, 0).String())
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	go s.serve(ctx, l)
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.own, 0)))
	if err != nil {
		return err
	}
	defer c.Close()
	answer := searchAnswer("http://" + l.Addr().String() + "/d.xml")
	return s.hearSearches(ctx, func(from netip.AddrPort) { _, _ = c.WriteToUDPAddrPort(answer, from) })
}

func (s scene) serve(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			switch s.mode {
			case "reset":
				_ = conn.(*net.TCPConn).SetLinger(0) // a RST, not a FIN
			case "hang":
				time.Sleep(time.Hour) // or until the program ends
			case "gigabyte":
				gigabyte(conn)
			case "strings":
				wickedWords(conn)
			}
		}()
	}
}

// gigabyte is a description that does not end.
func gigabyte(conn net.Conn) {
	const size = 1 << 30
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n<?xml version=\"1.0\"?><root><device>", size)
	block := []byte(strings.Repeat("<friendlyName>x</friendlyName>", 1000))
	for sent := 0; sent < size; sent += len(block) {
		if _, err := conn.Write(block); err != nil {
			return
		}
	}
}

// wicked is in every string: it closes what it stands in, and moves the terminal's cursor.
const wicked = "\u202e\u009b31m\"'&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#13;&#10;level=ERROR msg=forged"

// wickedWords is a whole router whose every word is that.
func wickedWords(conn net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, status := fmt.Sprintf(`<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>`+
		`<friendlyName>%[1]s</friendlyName><manufacturer>%[1]s</manufacturer><modelName>%[1]s</modelName><modelNumber>%[1]s</modelNumber><UDN>uuid:%[1]s</UDN><deviceList><device>`+
		`<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><friendlyName>%[1]s</friendlyName><UDN>uuid:2</UDN><deviceList><device>`+
		`<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><friendlyName>%[1]s</friendlyName><UDN>uuid:3</UDN><serviceList><service>`+
		`<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>`+
		`<SCPDURL>/s</SCPDURL><controlURL>/c</controlURL><eventSubURL>/e</eventSubURL></service></serviceList></device></deviceList></device></deviceList></device></root>`, wicked), "200 OK"
	if req.Method == http.MethodPost {
		status = "500 " + strings.Map(func(r rune) rune {
			if r == '\r' || r == '\n' {
				return -1
			}
			return r
		}, wicked)
		body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>` + wicked + `</faultstring>` +
			`<detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>501</errorCode><errorDescription>` + wicked + `</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`
	}
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
}
