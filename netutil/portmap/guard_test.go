package portmap

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// page answers every request of a new server in the same way.
func page(t *testing.T, answer http.HandlerFunc) *url.URL {
	f := newFakeIGD(t)
	f.pages["/"] = answer
	return mustURL(t, f.URL+"/")
}

func TestGuardRefuses(t *testing.T) {
	noLeaks(t)
	other := newFakeIGD(t)
	other.pages["/"] = func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }
	endless := func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for sent := 0; sent < 1<<30; sent += len(block) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
		t.Error("a body of 1 GiB was read to its end")
	}
	stuck := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<root>")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, c := range map[string]struct {
		to      *url.URL
		gateway string
		want    error
	}{
		"another host":   {mustURL(t, other.URL), "192.0.2.1", errNotGateway},
		"a name":         {mustURL(t, "http://localhost:1/"), "127.0.0.1", errNotGateway},
		"https":          {mustURL(t, "https://127.0.0.1:1/"), "127.0.0.1", ErrGone},
		"a closed port":  {mustURL(t, closedPort(t)), "127.0.0.1", ErrGone},
		"a redirect":     {page(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }), "127.0.0.1", errRedirect},
		"not found":      {page(t, http.NotFound), "127.0.0.1", ErrGone},
		"1 GiB":          {page(t, endless), "127.0.0.1", errTooBig},
		"stuck body":     {page(t, stuck), "127.0.0.1", ErrGone},
		"a large header": {page(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) }), "127.0.0.1", ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(netip.MustParseAddr(c.gateway), loopback)
			g.timeout = 300 * time.Millisecond
			text, err := g.get(t.Context(), c.to)
			if !errors.Is(err, c.want) || text != nil {
				t.Errorf("%d bytes, error %v; want %v", len(text), err, c.want)
			}
		})
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t testing.TB) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/"
}

func TestGuardEndOfContext(t *testing.T) {
	noLeaks(t)
	asked := make(chan struct{})
	to := page(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := newGuard(loopback, loopback).get(ctx, to)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrGone) {
		t.Errorf("got %v, want the context's error alone", err)
	}
}

func TestGuardRequest(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	local := netip.MustParseAddr("127.0.0.5")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	lines := make(chan string, 32)
	go func() { // by hand: net/http would tidy up the spelling
		defer close(lines)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		lines <- "from " + c.RemoteAddr().(*net.TCPAddr).IP.String()
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadString('\n')
			if line = strings.TrimSpace(line); err != nil || line == "" {
				break
			}
			lines <- line
		}
		io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n<a/>")
	}()
	g := newGuard(loopback, local)
	u := mustURL(t, "http://"+l.Addr().String()+"/ctl")
	s := &service{guard: g, urn: igdServices[1], controls: []*url.URL{u}}
	s.call(t.Context(), "DeletePortMapping", &entryKey{NewProtocol: "UDP"}, nil)
	var got []string
	for line := range lines {
		got = append(got, line)
	}
	all := strings.Join(got, "\n") + "\n"
	for _, want := range []string{
		"from 127.0.0.5\n",
		"POST /ctl HTTP/1.1\n",
		"\nSOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#DeletePortMapping\"\n",
		"\nContent-Type: text/xml; charset=\"utf-8\"\n",
		"\nContent-Length: ",
		"\nUser-Agent: " + userAgent + "\n",
		"\nConnection: close\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the request lacks %q:\n%s", want, all)
		}
	}
	for _, bad := range []string{"Accept-Encoding", "Transfer-Encoding", "SOAPACTION", "Soapaction"} {
		if strings.Contains(all, bad) {
			t.Errorf("the request has %q:\n%s", bad, all)
		}
	}
	if g.transport.Proxy != nil {
		t.Error("the transport knows a proxy")
	}
}

func TestGuardOneAtATime(t *testing.T) {
	f := newFakeIGD(t)
	g := newGuard(loopback, loopback)
	to := mustURL(t, f.URL+"/none")
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() { g.get(t.Context(), to) })
	}
	askers.Wait()
	if f.peak != 1 || len(f.gets) != 8 {
		t.Errorf("%d requests, up to %d at once; want 8, one at a time", len(f.gets), f.peak)
	}
}

func TestGuardWrongLength(t *testing.T) {
	to := page(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "<root/>")
	})
	text, err := newGuard(loopback, loopback).get(t.Context(), to)
	if err != nil || string(text) != "<root/>" {
		t.Errorf("got %q, %v", text, err)
	}
}
