package checker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A server that is stopped finishes the checks under way.
func TestStopFinishesChecks(t *testing.T) {
	host, addr := socket(t, "127.0.0.1:0")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := NewServer(ServerOptions{AllowPrivate: true, Budget: 500 * time.Millisecond})
	go func() { ended <- s.Serve(ctx, l) }()
	go func() {
		host.ReadFrom(make([]byte, 2048)) // the check is under way
		stop()
	}()
	answer, err := lab("http://"+l.Addr().String()+CheckPath).Ask(t.Context(), loopback, addr.Port(), "", nil)
	if err != nil || answer.Reachable {
		t.Errorf("got %+v, %v", answer, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp4", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

// started waits for the line that tells the address.
func started(t *testing.T, o ServerOptions, listen ...netip.AddrPort) (string, func() error) {
	t.Helper()
	read, write := io.Pipe()
	o.Log = slog.New(slog.NewTextHandler(write, nil))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := NewServer(o).Run(ctx, listen...)
		write.Close()
		ended <- err
	}()
	line := make([]byte, 4096)
	n, _ := read.Read(line)
	go io.Copy(io.Discard, read)
	_, address, _ := strings.Cut(string(line[:n]), "address=")
	address, _, _ = strings.Cut(address, " ")
	return address, func() error { cancel(); return <-ended }
}

// Without a proxy the packets come from the address that the caller knows the checker by.
func TestRun(t *testing.T) {
	host, addr := socket(t, "127.0.0.1:0")
	o := ServerOptions{AllowPrivate: true, Budget: 240 * time.Millisecond}
	address, stop := started(t, o, netip.MustParseAddrPort("127.0.0.3:0"))
	if _, err := lab("http://"+address+CheckPath).Ask(t.Context(), loopback, addr.Port(), "", nil); err != nil {
		t.Error(err)
	}
	host.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, from, err := host.ReadFrom(make([]byte, 2048)); err != nil || !strings.HasPrefix(from.String(), "127.0.0.3:") {
		t.Errorf("asked from %v, %v", from, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRunTLS(t *testing.T) {
	issued := httptest.NewTLSServer(nil) // for its certificate
	defer issued.Close()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair := issued.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		key:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port, _ := standIn(t)
	address, stop := started(t, ServerOptions{AllowPrivate: true, TLSCert: cert, TLSKey: key}, netip.MustParseAddrPort("127.0.0.1:0"))
	c := lab("https://" + address + CheckPath)
	c.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	c.TLS.RootCAs.AddCert(issued.Certificate())
	if answer, err := c.Ask(t.Context(), loopback, port, "", nil); err != nil || !answer.Reachable {
		t.Errorf("got %+v, %v", answer, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRunCannotBegin(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := netip.MustParseAddrPort("127.0.0.1:0")
	for name, err := range map[string]error{
		"no address":     NewServer(ServerOptions{}).Run(t.Context()),
		"taken":          NewServer(ServerOptions{}).Run(t.Context(), free, netip.MustParseAddrPort(taken.Addr().String())),
		"no certificate": NewServer(ServerOptions{TLSCert: "nosuch.pem", TLSKey: "nosuch.pem"}).Run(t.Context(), free),
		"key missing":    NewServer(ServerOptions{TLSCert: "nosuch.pem"}).Run(t.Context(), free),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "the checker") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A listener that breaks ends the server with an error.
func TestServeBreaks(t *testing.T) {
	one, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	two, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	one.Close()
	if err := NewServer(ServerOptions{}).Serve(t.Context(), one, two); err == nil {
		t.Error("no error")
	}
	if conn, err := net.Dial("tcp4", two.Addr().String()); err == nil {
		conn.Close()
		t.Error("the other listener is still open")
	}
}
