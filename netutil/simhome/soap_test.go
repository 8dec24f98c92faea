package simhome

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// soapAt posts an action by hand; status 0 is a connection that broke.
func soapAt(t *testing.T, s *Servers, path, action, args string) (status int, body string) {
	t.Helper()
	urn := s.home.Faults().IGD.service()
	if path == deadControlPath(0) {
		urn = pppService
	}
	return post(t, s, path, `"`+urn+"#"+action+`"`, envelope(fmt.Sprintf(`<u:%s xmlns:u=%q>%s</u:%[1]s>`, action, urn, args)))
}

func post(t *testing.T, s *Servers, path, header, body string) (status int, answer string) {
	return postAs(t, s, path, header, fmt.Sprintf("Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body))
}

// postAs leaves the length of the body to the caller.
func postAs(t *testing.T, s *Servers, path, header, rest string) (status int, answer string) {
	t.Helper()
	at := strings.Split(s.Location(), "/")[2]
	conn, err := net.Dial("tcp4", at)
	if err != nil {
		return 0, err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml\r\nSOAPAction: %s\r\n%s", path, at, header, rest)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

func arguments(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<%s>%s</%[1]s>", pairs[i], pairs[i+1])
	}
	return b.String()
}

func addArguments(protocol, description string) string {
	return arguments("NewRemoteHost", "", "NewExternalPort", "27886", "NewProtocol", protocol, "NewInternalPort", "27886",
		"NewInternalClient", "127.0.0.1", "NewEnabled", "1", "NewPortMappingDescription", description, "NewLeaseDuration", "3600")
}

// TestSOAP gives actions as text and looks for text in the answers.
func TestSOAP(t *testing.T) {
	key := arguments("NewRemoteHost", "", "NewExternalPort", "27886", "NewProtocol", "UDP")
	mapped := func(h *Home) {
		h.upnpAdd(ask{from: us, transport: portmap.UDP, internal: netip.AddrPortFrom(us, port), external: port, lease: time.Hour, description: "a & b", exact: true})
	}
	cases := []struct {
		name   string
		harm   func(*Home)
		action string
		args   string
		status int
		has    string
	}{
		{"address", nil, "GetExternalIPAddress", "", 200, "<NewExternalIPAddress>11.77.0.2</NewExternalIPAddress>"},
		{"no address", faulty(func(f *Faults) { f.NoOuter = true }), "GetExternalIPAddress", "", 200, "<NewExternalIPAddress></NewExternalIPAddress>"},
		{"status", nil, "GetStatusInfo", "", 200, "<NewConnectionStatus>Connected</NewConnectionStatus>"},
		{"status Up", faulty(func(f *Faults) { f.SaysUp = true }), "GetStatusInfo", "", 200, ">Up<"},
		{"not connected", faulty(func(f *Faults) { f.NotConnected = true }), "GetStatusInfo", "", 200, ">Disconnected<"},
		{"add", nil, "AddPortMapping", addArguments("UDP", "x"), 200, "<u:AddPortMappingResponse xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:2\">"},
		{"add in small letters", nil, "AddPortMapping", addArguments("udp", "x"), 200, "AddPortMappingResponse"},
		{"add in small letters, Fussy", faulty(func(f *Faults) { f.Fussy = true }), "AddPortMapping", addArguments("udp", "x"), 500, "<errorCode>402</errorCode>"},
		{"add with a quote, Fussy", faulty(func(f *Faults) { f.Fussy = true }), "AddPortMapping", addArguments("UDP", "it's"), 500, "<errorCode>402</errorCode>"},
		{"add without words, Fussy", faulty(func(f *Faults) { f.Fussy = true }), "AddPortMapping", addArguments("UDP", ""), 500, "<errorCode>402</errorCode>"},
		{"add nonsense", nil, "AddPortMapping", key, 500, "<errorCode>402</errorCode>"},
		{"add any", func(h *Home) { h.Take(neighbor, portmap.UDP, port) }, "AddAnyPortMapping", addArguments("UDP", "x"), 200, "<NewReservedPort>27887</NewReservedPort>"},
		{"add any, IGDv1", faulty(func(f *Faults) { f.IGD = IGDv1 }), "AddAnyPortMapping", addArguments("UDP", "x"), 500, "<errorCode>401</errorCode>"},
		{"read", mapped, "GetSpecificPortMappingEntry", key, 200, "<NewInternalClient>127.0.0.1</NewInternalClient><NewEnabled>1</NewEnabled>" +
			"<NewPortMappingDescription>a &amp; b</NewPortMappingDescription>"},
		{"read another host's", func(h *Home) { h.Take(neighbor, portmap.UDP, port) }, "GetSpecificPortMappingEntry", key, 200, ">192.168.1.50<"},
		{"read nothing", nil, "GetSpecificPortMappingEntry", key, 500, "<errorCode>714</errorCode><errorDescription>NoSuchEntryInArray</errorDescription>"},
		{"read, NoReadBack", faulty(func(f *Faults) { f.NoReadBack = true }), "GetSpecificPortMappingEntry", key, 500, "<errorCode>401</errorCode>"},
		{"list", mapped, "GetGenericPortMappingEntry", arguments("NewPortMappingIndex", "0"), 200, "<NewExternalPort>27886</NewExternalPort><NewProtocol>UDP</NewProtocol>"},
		{"list by port", func(h *Home) { mapped(h); h.Take(neighbor, portmap.UDP, 99); h.Take(neighbor, portmap.TCP, 30000) },
			"GetGenericPortMappingEntry", arguments("NewPortMappingIndex", "1"), 200, "<NewExternalPort>99</NewExternalPort>"},
		{"end of list", mapped, "GetGenericPortMappingEntry", arguments("NewPortMappingIndex", "1"), 500, "<errorCode>713</errorCode>"},
		{"list does not show what is hidden", func(h *Home) { h.Forward(portmap.UDP, 1, netip.AddrPortFrom(us, 1), true) },
			"GetGenericPortMappingEntry", arguments("NewPortMappingIndex", "0"), 500, "<errorCode>713</errorCode>"},
		{"delete", mapped, "DeletePortMapping", key, 200, "DeletePortMappingResponse"},
		{"delete nothing", nil, "DeletePortMapping", key, 500, "<errorCode>714</errorCode>"},
		{"delete by hand", func(h *Home) { h.Forward(portmap.UDP, port, netip.AddrPortFrom(us, port), false) }, "DeletePortMapping", key, 500, "<errorCode>606</errorCode>"},
		{"unknown", nil, "RequestTermination", "", 500, "<errorCode>401</errorCode>"},
		{"script", faulty(func(f *Faults) { f.Deny, f.FaultWords = true, "<script>\x07" }), "AddPortMapping", addArguments("UDP", "x"), 500,
			"<errorDescription>&lt;script&gt;\x07</errorDescription>"},
		{"Latin1", faulty(func(f *Faults) { f.Deny, f.Latin1 = true, true }), "AddPortMapping", addArguments("UDP", "x"), 500, "<errorDescription>Refus\xe9</errorDescription>"},
		{"BareFault", faulty(func(f *Faults) { f.Deny, f.BareFault = true, true }), "AddPortMapping", addArguments("UDP", "x"), 500, "<html>"},
		{"MikroTik", faulty(func(f *Faults) { f.Deny, f.MikroTik = true, true }), "AddPortMapping", addArguments("UDP", "x"), 500, "<faultCode>s:Client</faultCode>"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := New(Options{})
			s := serve(t, h)
			if c.harm != nil {
				c.harm(h)
			}
			status, body := soapAt(t, s, controlPath(0), c.action, c.args)
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("answered %d\n%s\nwant %d with %s", status, body, c.status, c.has)
			}
		})
	}
}

// TestHTTPManners covers requests that are no proper SOAP.
func TestHTTPManners(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	control := controlPath(0)
	header := `"urn:schemas-upnp-org:service:WANIPConnection:2#GetExternalIPAddress"`
	call := `<u:GetExternalIPAddress xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:2"/>`
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	for _, c := range []struct {
		name, path, header, body string
		status                   int
		has                      string
	}{
		{"good", control, header, envelope(call), 200, "11.77.0.2"},
		{"service of version 1", control, header, envelope(strings.Replace(call, ":2", ":1", 1)), 200, "11.77.0.2"},
		{"another service", control, header, envelope(strings.Replace(call, "WANIP", "WANPPP", 1)), 500, ">401<"},
		{"not XML", control, header, "hello", 500, ">401<"},
		{"cut off", control, header, envelope(call)[:200], 500, ">401<"},
		{"too deep", control, header, envelope(deep), 500, ">401<"},
		{"too large", control, header, envelope(strings.Repeat(" ", maxRequestBody)), 413, ""},
		{"elsewhere", "/nowhere", header, envelope(call), 404, ""},
		{"old place", controlPath(1), header, envelope(call), 404, ""},
	} {
		if status, body := post(t, s, c.path, c.header, c.body); status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s: answered %d %s", c.name, status, body)
		}
	}
	chunked := fmt.Sprintf("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(envelope(call)), envelope(call))
	if status, body := postAs(t, s, control, header, chunked); status != 200 {
		t.Errorf("in chunks: answered %d %s", status, body)
	}
	h.Configure(func(f *Faults) { f.Fussy = true })
	if status, body := postAs(t, s, control, header, chunked); status != 411 {
		t.Errorf("Fussy, in chunks: answered %d %s", status, body)
	}
	if _, body := post(t, s, control, strings.ToLower(header), envelope(call)); !strings.Contains(body, ">401<") {
		t.Errorf("Fussy, with SOAPAction in small letters: %s", body)
	}
	h.Configure(func(f *Faults) { *f = Faults{UPnPFaults: UPnPFaults{IGD: IGDTwo}} })
	if _, body := soapAt(t, s, deadControlPath(0), "GetStatusInfo", ""); !strings.Contains(body, "Disconnected") {
		t.Errorf("the service that is not connected: %s", body)
	}
	if _, body := soapAt(t, s, deadControlPath(0), "AddPortMapping", addArguments("UDP", "x")); !strings.Contains(body, ">501<") {
		t.Errorf("a mapping at the service that is not connected: %s", body)
	}
}

func FuzzSOAP(f *testing.F) {
	f.Add(`"urn:schemas-upnp-org:service:WANIPConnection:2#AddPortMapping"`,
		envelope(`<u:AddPortMapping xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:2">`+addArguments("UDP", "x")+`</u:AddPortMapping>`))
	f.Add("", "<a><b><c><d>")
	f.Fuzz(func(t *testing.T, header, body string) {
		call := parseSOAP(header, []byte(body))
		call.from = us
		if len(call.args) > maxSOAPArgs+1 {
			t.Errorf("%d arguments", len(call.args))
		}
		h := New(Options{})
		if out, code := h.answerSOAP(call, false); code == 0 {
			call.response(out)
		}
	})
}
