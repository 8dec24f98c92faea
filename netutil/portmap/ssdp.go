package portmap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	ssdpPort = 1900
	// ssdpTTL is what UPnP Device Architecture 1.1 section 1.3.2 asks for.
	ssdpTTL = 2
	// maxSSDP bounds an answer. Real ones have 300 to 500 bytes.
	maxSSDP = 4 << 10
	// maxSSDPErrors bounds how many failed reads in a row are taken for passing trouble.
	maxSSDPErrors = 32
	// After so many datagrams that are of no use the socket is left alone for so long: at most 3200
	// are looked at in a second.
	dropsInARow = 64
	dropsPause  = 20 * time.Millisecond
)

var ssdpGroup = netip.AddrFrom4([4]byte{239, 255, 255, 250})

// ssdpTargets are what is searched for. Routers that answer only one of them are known
// (tailscale#3557); an IGD of version 2 answers also for version 1.
var ssdpTargets = [...]string{
	"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
	"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
	"upnp:rootdevice",
}

// ssdpSends are the moments of sending: UDP loses, and a radio that sleeps loses more.
var ssdpSends = [...]time.Duration{0, 250 * time.Millisecond, time.Second}

// ssdpAnswer is what is of use in an answer to a search.
type ssdpAnswer struct {
	location string
	gateway  bool // it calls itself an InternetGatewayDevice
}

// ssdpSearch is one search (UPnP Device Architecture 1.1 section 1.3): M-SEARCH by multicast and
// straight to the gateway, because some routers answer only the one and some only the other
// (tailscale#3197).
type ssdpSearch struct {
	gateway   netip.Addr
	local     netip.Addr
	ifIndex   int
	receivers []netip.AddrPort
	window    time.Duration
	log       *slog.Logger
	drops     *Drops
	dropped   int
}

func newSSDPSearch(s Search, window time.Duration, log *slog.Logger) *ssdpSearch {
	port := s.Ports.SSDP
	if port == 0 {
		port = ssdpPort
	}
	q := &ssdpSearch{gateway: s.Gateway, local: s.Local, ifIndex: s.Interface, window: window, log: log, drops: s.Drops}
	if !s.Gateway.IsLoopback() {
		q.receivers = append(q.receivers, netip.AddrPortFrom(ssdpGroup, port))
	}
	q.receivers = append(q.receivers, netip.AddrPortFrom(s.Gateway, port))
	return q
}

// run sends and listens until the window closes or ctx ends, and calls heard for each answer of
// the gateway. The error says why nothing could be sent at all.
//
// The socket is not connected: an answer may come from another port than 1900 (TP-Link ER605,
// tailscale#7377), but only from the gateway's address.
func (q *ssdpSearch) run(ctx context.Context, heard func(ssdpAnswer)) error {
	conn, err := q.open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	start := time.Now()
	sent := 0
	for i, at := range ssdpSends {
		if at >= q.window {
			break
		}
		n, sendErr := q.send(conn)
		if sent += n; sent == 0 {
			err = sendErr
		}
		until := q.window
		if i+1 < len(ssdpSends) {
			until = min(until, ssdpSends[i+1])
		}
		if !q.listen(conn, start.Add(until), heard) {
			break
		}
	}
	if sent > 0 {
		return nil
	}
	return err
}

func (q *ssdpSearch) open(ctx context.Context) (*net.UDPConn, error) {
	var config net.ListenConfig
	packets, err := config.ListenPacket(ctx, "udp4", netip.AddrPortFrom(q.local, 0).String())
	if err != nil {
		return nil, fmt.Errorf("UPnP search: %w", err)
	}
	conn := packets.(*net.UDPConn)
	p := ipv4.NewPacketConn(conn)
	// Neither is worth giving up for: the search straight to the gateway remains.
	if err := p.SetMulticastTTL(ssdpTTL); err != nil {
		q.log.Debug("UPnP search: multicast TTL", "error", err)
	}
	if q.ifIndex > 0 {
		// Windows would send to the interface of its best route, whatever the socket is bound to.
		if err := p.SetMulticastInterface(&net.Interface{Index: q.ifIndex}); err != nil {
			q.log.Debug("UPnP search: multicast interface", "index", q.ifIndex, "error", err)
		}
	}
	return conn, nil
}

// send sends every request to every receiver. One that cannot be reached (a VPN that forbids
// multicast) does not matter as long as any can.
func (q *ssdpSearch) send(conn *net.UDPConn) (sent int, err error) {
	for _, to := range q.receivers {
		for _, target := range ssdpTargets {
			_, sendErr := conn.WriteToUDPAddrPort(searchRequest(target), to)
			if sendErr == nil {
				sent++
				continue
			}
			err = fmt.Errorf("UPnP search: %w", sendErr)
			q.log.Debug("UPnP search: not sent", "to", to, "error", sendErr)
		}
	}
	return sent, err
}

// searchRequest is the same for multicast and the gateway alone: routers are tested with it.
func searchRequest(target string) []byte {
	return []byte("M-SEARCH * HTTP/1.1\r\n" +
		"HOST: 239.255.255.250:1900\r\n" +
		"MAN: \"ssdp:discover\"\r\n" +
		"MX: 1\r\n" +
		"ST: " + target + "\r\n\r\n")
}

// listen reports answers until the deadline; false means that the socket is of no more use.
func (q *ssdpSearch) listen(conn *net.UDPConn, until time.Time, heard func(ssdpAnswer)) bool {
	if conn.SetReadDeadline(until) != nil {
		return false
	}
	buf := make([]byte, maxSSDP)
	for failed := 0; failed < maxSSDPErrors; {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return true
		case errors.Is(err, net.ErrClosed):
			return false
		case err != nil:
			failed++ // Windows reports unreachable ports and long datagrams here
			continue
		}
		failed = 0
		if from.Addr().Unmap() != q.gateway {
			q.drop()
			q.log.Debug("UPnP search: answer not counted, it is not from the gateway", "from", from)
			continue
		}
		if answer, ok := parseSSDP(buf[:n]); ok {
			heard(answer)
		} else {
			q.drop()
		}
	}
	return false
}

// drop takes note of a datagram that is of no use. A house full of devices makes some dozens in a
// search; what comes beyond is a flood, and is mostly left to the system to drop.
func (q *ssdpSearch) drop() {
	q.drops.answer()
	if q.dropped++; q.dropped%dropsInARow == 0 {
		time.Sleep(dropsPause)
	}
}

// parseSSDP reads an answer to a search. It is lenient about everything but the status line and
// LOCATION.
func parseSSDP(datagram []byte) (answer ssdpAnswer, ok bool) {
	status, header, _ := bytes.Cut(datagram, []byte("\n"))
	words := strings.Fields(string(status))
	if len(words) < 2 || !strings.HasPrefix(words[0], "HTTP/") || words[1] != "200" {
		return ssdpAnswer{}, false
	}
	for line := range bytes.SplitSeq(header, []byte("\n")) {
		name, value, found := strings.Cut(string(line), ":")
		if !found {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToUpper(strings.TrimSpace(name)) {
		case "LOCATION":
			if answer.location == "" {
				answer.location = value
			}
		case "ST", "USN":
			if strings.Contains(strings.ToLower(value), "schemas-upnp-org:device:internetgatewaydevice:") {
				answer.gateway = true
			}
		}
	}
	return answer, answer.location != "" && len(answer.location) <= maxURL
}
