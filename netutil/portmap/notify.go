package portmap

import (
	"bytes"
	"cmp"
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxUDN bounds the name of a device. "uuid:" and a UUID have 41 letters.
const maxUDN = 128

// notifyTypes are what announcements of a router that maps ports speak of, of any version and in
// small letters, whether it is of UPnP or of the DSL Forum before. Every such device announces
// itself and its services besides "upnp:rootdevice", which anything else inside the router, a media
// server say, announces as well.
var notifyTypes = [...]string{
	":device:internetgatewaydevice:",
	":service:wanipconnection:",
	":service:wanpppconnection:",
}

func (l *Listener) notifyEar() ear {
	return ear{"UPnP", l.openNotify, maxSSDP, func(b []byte) (Announcement, bool) {
		return parseNotify(b, l.Gateway.Unmap())
	}}
}

func (l *Listener) openNotify(ctx context.Context) (*net.UDPConn, error) {
	conn, err := listenGroup(ctx, netip.AddrPortFrom(ssdpGroup, cmp.Or(l.Ports.SSDPNotify, ssdpPort)))
	if err != nil {
		return nil, err
	}
	// All UPnP devices of the LAN speak here, each dozens of datagrams in one breath.
	return l.join(conn, ssdpGroup, 64<<10)
}

// parseNotify decodes an announcement of the gateway (UPnP Device Architecture 1.1 section 1.2). The
// first header of a name counts; those that are of no use to us may say anything.
func parseNotify(b []byte, gateway netip.Addr) (a Announcement, ok bool) {
	request, header, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Fields(string(request))
	if len(words) != 3 || words[0] != "NOTIFY" || words[1] != "*" || !strings.HasPrefix(words[2], "HTTP/") {
		return Announcement{}, false
	}
	h := notifyHeader(header)
	udn, _, _ := strings.Cut(h["USN"], "::")
	if udn == "" || len(udn) > maxUDN || !isNotifyType(h["NT"]) && !isNotifyType(h["USN"]) {
		return Announcement{}, false
	}
	a = Announcement{Protocol: UPnP, UDN: cleanText(udn, maxUDN)}
	bootID := h["BOOTID.UPNP.ORG"]
	switch strings.ToLower(h["NTS"]) {
	case "ssdp:byebye":
		a.ByeBye = true
	case "ssdp:update":
		bootID = cmp.Or(h["NEXTBOOTID.UPNP.ORG"], bootID) // the one of all announcements from now on
	case "ssdp:alive":
	default:
		return Announcement{}, false
	}
	// 31 bits by the standard; 32, because some count seconds.
	if id, err := strconv.ParseUint(bootID, 10, 32); err == nil {
		a.BootID, a.HasBootID = uint32(id), true
	}
	if a.ByeBye {
		return a, true
	}
	u, _, err := gatewayURL(h["LOCATION"], gateway)
	if err != nil {
		return Announcement{}, false
	}
	a.Location = u.String()
	return a, true
}

// notifyHeader gives the headers that count.
func notifyHeader(lines []byte) map[string]string {
	h := make(map[string]string)
	for line := range bytes.SplitSeq(lines, []byte("\n")) {
		name, value, found := strings.Cut(string(line), ":")
		if !found {
			continue
		}
		switch name = strings.ToUpper(strings.TrimSpace(name)); name {
		case "NT", "NTS", "USN", "LOCATION", "BOOTID.UPNP.ORG", "NEXTBOOTID.UPNP.ORG":
			if _, again := h[name]; !again {
				h[name] = strings.TrimSpace(value)
			}
		}
	}
	return h
}

func isNotifyType(s string) bool {
	s = strings.ToLower(s)
	for _, t := range notifyTypes {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}
