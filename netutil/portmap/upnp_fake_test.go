package portmap

import (
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// noLeaks fails the test if goroutines that it started outlive it. It comes first in a test, so
// that the servers are closed before it looks.
func noLeaks(t testing.TB) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

var loopback = netip.MustParseAddr("127.0.0.1")

// fakeIGD is a router's UPnP service on 127.0.0.1. It serves whatever is put into pages, and gives
// SOAP requests to soap; it records what it was asked.
type fakeIGD struct {
	*httptest.Server
	pages map[string]http.HandlerFunc // by path, GET
	soap  func(soapCall) (status int, body string)

	mu    sync.Mutex
	calls []soapCall
	gets  []string
	now   int // requests under way
	peak  int // most of them at once
}

// soapCall is one request for an action, as the router read it.
type soapCall struct {
	path, urn, action string
	args              map[string]string
	order             []string
	header            http.Header
	length            int64
	from              string
	closes            bool
}

func newFakeIGD(t testing.TB) *fakeIGD {
	f := &fakeIGD{pages: make(map[string]http.HandlerFunc)}
	f.soap = func(c soapCall) (int, string) { return 200, soapOK(c) }
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeIGD) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.now++
	f.peak = max(f.peak, f.now)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if r.Method == http.MethodGet {
		f.mu.Lock()
		f.gets = append(f.gets, r.URL.Path)
		page := f.pages[r.URL.Path]
		f.mu.Unlock()
		if page == nil {
			http.NotFound(w, r)
			return
		}
		page(w, r)
		return
	}
	c := readSOAP(r)
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	status, body := f.soap(c)
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func readSOAP(r *http.Request) soapCall {
	c := soapCall{
		path: r.URL.RequestURI(), args: make(map[string]string), header: r.Header,
		length: r.ContentLength, from: r.RemoteAddr, closes: r.Close,
	}
	c.urn, c.action, _ = strings.Cut(strings.Trim(r.Header.Get("SOAPAction"), `"`), "#")
	d := xml.NewDecoder(r.Body)
	name := ""
	for {
		t, err := d.Token()
		if err != nil {
			return c
		}
		switch t := t.(type) {
		case xml.StartElement:
			name = t.Name.Local
			if strings.HasPrefix(name, "New") {
				c.order = append(c.order, name)
				c.args[name] = ""
			}
		case xml.CharData:
			if _, ok := c.args[name]; ok {
				c.args[name] += string(t)
			}
		case xml.EndElement:
			name = ""
		}
	}
}

// seen returns the names of the actions asked so far.
func (f *fakeIGD) seen() (actions []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		actions = append(actions, c.action)
	}
	return actions
}

func (f *fakeIGD) last() soapCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[len(f.calls)-1]
}

// describe serves a description from testdata/igd at path. PORT in it becomes the server's port.
func (f *fakeIGD) describe(t testing.TB, path, file string) string {
	text := fixture(t, file)
	u, _ := url.Parse(f.URL)
	text = strings.ReplaceAll(text, "PORT", u.Port())
	f.mu.Lock()
	f.pages[path] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	f.mu.Unlock()
	return f.URL + path
}

func fixture(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "igd", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// soapOK is a success with the given pairs of name and value.
func soapOK(c soapCall, pairs ...string) string {
	var out strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&out, "<%s>%s</%[1]s>", pairs[i], pairs[i+1])
	}
	return fmt.Sprintf(`<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%sResponse xmlns:u="%s">%s</u:%[1]sResponse></s:Body></s:Envelope>`, c.action, c.urn, out.String())
}

func soapFaultText(code, words string) string {
	return fmt.Sprintf(`<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%s</errorCode><errorDescription>%s</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code, words)
}

// client makes a Client of the description in file, as a search would.
func (f *fakeIGD) client(t testing.TB, file string) *upnpClient {
	t.Helper()
	location, err := url.Parse(f.URL + "/desc/root.xml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(fixture(t, file), "PORT", location.Port())
	d, err := parseDescription(utf8Text([]byte(text)), location, newGuard(loopback, loopback))
	if err != nil {
		t.Fatal(err)
	}
	return newUPnPClient(d.device, d.services[0])
}

// fakeSSDP answers searches on 127.0.0.1, from other ports than it was asked at.
type fakeSSDP struct {
	port  uint16
	asked chan string // search targets, in order
}

// newFakeSSDP answers each search with the description's location, first from the wrong address
// 127.0.0.2 with wrong, then from 127.0.0.1 with right; "" is silence.
func newFakeSSDP(t testing.TB, wrong, right string) *fakeSSDP {
	listen := func(a netip.Addr) *net.UDPConn {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	in, out, stranger := listen(loopback), listen(loopback), listen(netip.MustParseAddr("127.0.0.2"))
	f := &fakeSSDP{port: in.LocalAddr().(*net.UDPAddr).AddrPort().Port(), asked: make(chan string, 64)}
	done := make(chan struct{})
	t.Cleanup(func() { in.Close(); out.Close(); stranger.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, peer, err := in.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, rest, _ := strings.Cut(string(buf[:n]), "\r\nST: ")
			target := strings.TrimSpace(rest)
			select {
			case f.asked <- target:
			default:
			}
			if wrong != "" {
				stranger.WriteToUDPAddrPort([]byte(ssdpOK(target, wrong)), peer)
			}
			if right != "" {
				out.WriteToUDPAddrPort([]byte(ssdpOK(target, right)), peer)
			}
		}
	}()
	return f
}

func ssdpOK(target, location string) string {
	return "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: " + target + "\r\nUSN: uuid:1::" + target +
		"\r\nEXT:\r\nSERVER: router/1.0 UPnP/1.1 MiniUPnPd/2.3.1\r\nLOCATION: " + location + "\r\n\r\n"
}

const igdTarget = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
