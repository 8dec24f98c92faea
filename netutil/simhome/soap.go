package simhome

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// soapCall is one action of the control URL, as it was asked for.
type soapCall struct {
	from    netip.Addr // on the LAN
	header  string     // SOAPAction as it came
	service string     // URN
	action  string     // "" = that was no SOAP
	args    map[string]string
}

// Bounds of a request: the longest action has eight arguments, three levels down.
const (
	maxSOAPDepth = 8
	maxSOAPArgs  = 32
)

// parseSOAP reads a request; one that cannot be read has no action.
func parseSOAP(header string, body []byte) soapCall {
	call := soapCall{header: header, args: map[string]string{}}
	d := xml.NewDecoder(bytes.NewReader(body))
	depth := 0
	arg := ""
	for {
		t, err := d.Token()
		if err != nil {
			break // the end of the document included
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			switch {
			case depth > maxSOAPDepth || len(call.args) > maxSOAPArgs:
				return soapCall{header: header}
			case depth == 3:
				call.action, call.service = t.Name.Local, t.Name.Space
			case depth == 4:
				arg = t.Name.Local
				call.args[arg] = ""
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 4 {
				call.args[arg] += string(t)
			}
		}
	}
	if depth != 0 {
		return soapCall{header: header}
	}
	return call
}

func (c soapCall) op() Op {
	switch c.action {
	case "AddPortMapping", "AddAnyPortMapping":
		return OpMap
	case "DeletePortMapping":
		return OpUnmap
	case "GetSpecificPortMappingEntry", "GetGenericPortMappingEntry":
		return OpRead
	case "GetExternalIPAddress":
		return OpAddress
	case "GetStatusInfo":
		return OpStatus
	}
	return OpUnknown
}

// soapOut is one argument of an answer.
type soapOut struct{ name, value string }

// answerSOAP carries out an action. dead is the service beside the one that is connected.
func (h *Home) answerSOAP(c soapCall, dead bool) ([]soapOut, int) {
	f := h.Faults()
	urn := f.IGD.service()
	if dead {
		urn = pppService
	}
	if !sameService(urn, c.service) || f.Fussy && c.header != `"`+urn+"#"+c.action+`"` {
		return nil, upnpInvalidAction
	}
	if dead {
		return answerDead(c)
	}
	switch c.action {
	case "GetExternalIPAddress":
		return []soapOut{{"NewExternalIPAddress", h.upnpAddress()}}, 0
	case "GetStatusInfo":
		state, uptime := h.upnpStatus()
		return []soapOut{{"NewConnectionStatus", state}, {"NewLastConnectionError", "ERROR_NONE"}, {"NewUptime", uptime}}, 0
	case "AddPortMapping":
		_, code := h.soapAdd(c, &f, true)
		return nil, code
	case "AddAnyPortMapping":
		if !strings.HasSuffix(urn, ":2") {
			return nil, upnpInvalidAction
		}
		external, code := h.soapAdd(c, &f, false)
		return []soapOut{{"NewReservedPort", strconv.Itoa(int(external))}}, code
	case "DeletePortMapping":
		k, code := c.key(&f)
		if code == 0 {
			code = h.upnpDelete(c.from, k)
		}
		return nil, code
	case "GetSpecificPortMappingEntry":
		k, code := c.key(&f)
		if code != 0 {
			return nil, code
		}
		e, code := h.upnpRead(k)
		return h.soapEntry(e), code
	case "GetGenericPortMappingEntry":
		i, err := strconv.ParseUint(c.args["NewPortMappingIndex"], 10, 16)
		if err != nil {
			return nil, upnpInvalidArgs
		}
		e, code := h.upnpReadAt(int(i))
		return append([]soapOut{
			{"NewRemoteHost", ""},
			{"NewExternalPort", strconv.Itoa(int(e.external))},
			{"NewProtocol", strings.ToUpper(string(e.transport))},
		}, h.soapEntry(e)...), code
	}
	return nil, upnpInvalidAction
}

// answerDead is the service whose line is not in use.
func answerDead(c soapCall) ([]soapOut, int) {
	switch c.action {
	case "GetStatusInfo":
		return []soapOut{{"NewConnectionStatus", "Disconnected"}, {"NewLastConnectionError", "ERROR_NONE"}, {"NewUptime", "0"}}, 0
	case "GetExternalIPAddress":
		return []soapOut{{"NewExternalIPAddress", "0.0.0.0"}}, 0
	}
	return nil, upnpActionFailed
}

// sameService compares without the version: a router answers for older ones, too.
func sameService(a, b string) bool {
	i, j := strings.LastIndexByte(a, ':'), strings.LastIndexByte(b, ':')
	return i > 0 && j > 0 && a[:i] == b[:j]
}

func (c soapCall) key(f *Faults) (key, int) {
	port, err := strconv.ParseUint(c.args["NewExternalPort"], 10, 16)
	if err != nil || c.args["NewRemoteHost"] != "" {
		return key{}, upnpInvalidArgs
	}
	protocol := c.args["NewProtocol"]
	if !f.Fussy {
		protocol = strings.ToUpper(protocol)
	}
	switch protocol {
	case "UDP":
		return key{portmap.UDP, uint16(port)}, 0
	case "TCP":
		return key{portmap.TCP, uint16(port)}, 0
	}
	return key{}, upnpInvalidArgs
}

func (h *Home) soapAdd(c soapCall, f *Faults, exact bool) (external uint16, code int) {
	k, code := c.key(f)
	if code != 0 {
		return 0, code
	}
	host, err1 := netip.ParseAddr(c.args["NewInternalClient"])
	port, err2 := strconv.ParseUint(c.args["NewInternalPort"], 10, 16)
	lease, err3 := strconv.ParseUint(c.args["NewLeaseDuration"], 10, 32)
	description := c.args["NewPortMappingDescription"]
	if err1 != nil || err2 != nil || err3 != nil || port == 0 || c.args["NewEnabled"] != "1" {
		return 0, upnpInvalidArgs
	}
	if f.Fussy && !plain(description) {
		return 0, upnpInvalidArgs
	}
	return h.upnpAdd(ask{
		from: c.from, transport: k.transport, external: k.external, exact: exact,
		internal: netip.AddrPortFrom(h.onLAN(host), uint16(port)),
		lease:    time.Duration(lease) * time.Second, description: description,
	})
}

// plain says whether a description is one that every firmware bears.
func plain(s string) bool {
	for _, r := range s {
		if !(r == ' ' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z') {
			return false
		}
	}
	return s != "" && len(s) < 32
}

func (h *Home) soapEntry(e upnpEntry) []soapOut {
	return []soapOut{
		{"NewInternalPort", strconv.Itoa(int(e.internal.Port()))},
		{"NewInternalClient", h.onWire(e.internal.Addr()).String()},
		{"NewEnabled", e.enabled},
		{"NewPortMappingDescription", e.description},
		{"NewLeaseDuration", e.lease},
	}
}

// escapeXML leaves control characters in: firmware does.
var escapeXML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func envelope(body string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
		` s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` + body + "</s:Body></s:Envelope>\r\n"
}

// response is the answer to an action that was carried out.
func (c soapCall) response(out []soapOut) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<u:%sResponse xmlns:u="%s">`, c.action, escapeXML.Replace(c.service))
	for _, arg := range out {
		fmt.Fprintf(&b, "<%s>%s</%[1]s>", arg.name, escapeXML.Replace(arg.value))
	}
	fmt.Fprintf(&b, "</u:%sResponse>", c.action)
	return envelope(b.String())
}

// soapFault is the answer to one that was not.
func (f Faults) soapFault(code int) string {
	faultcode := "faultcode"
	if f.MikroTik {
		faultcode = "faultCode"
	}
	return envelope(fmt.Sprintf(`<s:Fault><%s>s:Client</%[1]s><faultstring>UPnPError</faultstring><detail>`+
		`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode><errorDescription>%s</errorDescription></UPnPError>`+
		`</detail></s:Fault>`, faultcode, code, escapeXML.Replace(f.words(code))))
}

// words are the errorDescription of a fault.
func (f *Faults) words(code int) string {
	switch {
	case f.FaultWords != "":
		return f.FaultWords
	case f.Latin1:
		return "Refusé"
	}
	return upnpWords(code)
}
