package portowner

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// The test program also plays the other programs: with these in the environment it holds a port, or
// asks who does, and ends when its input does.
const (
	playHost = "PORTOWNER_TEST_HOLDS"
	playAsk  = "PORTOWNER_TEST_ASKS"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(playHost); address != "" {
		hold(address)
		return
	}
	if address := os.Getenv(playAsk); address != "" {
		held, err := Bound("udp", at(address).Port())
		owners, err2 := new(Finder).Owner(context.Background(), "udp", at(address).Port())
		fmt.Println(held, err, owners.Port, err2)
		return
	}
	goleak.VerifyTestMain(m)
}

func hold(address string) {
	conn, err := net.ListenPacket("udp4", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(conn.LocalAddr())
	io.Copy(io.Discard, os.Stdin)
	conn.Close()
}

// emulator starts another program of that name, which holds a UDP port.
func emulator(t *testing.T, name, address string) (addr netip.AddrPort, pid int) {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	copyFile(t, program, os.Args[0])
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), playHost+"="+address, "GORACE=atexit_sleep_ms=0")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	line, _, err := bufio.NewReader(stdout).ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	addr, err = netip.ParseAddrPort(string(line))
	if err != nil {
		t.Fatalf("%s: %s", name, line)
	}
	return addr, cmd.Process.Pid
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRealOtherProcess(t *testing.T) {
	addr, pid := emulator(t, "Project64KSE.exe", "0.0.0.0:0")
	want := Holder{Addr: addr, PID: pid, Process: "Project64KSE.exe", Emulator: true}
	got, err := new(Finder).Owner(t.Context(), "udp", addr.Port())
	if err != nil || len(got.Port) != 1 || got.Port[0] != want {
		t.Errorf("got %+v, %v; want %+v", got.Port, err, want)
	}
}

// The emulator hosts on another port than the one that is open.
func TestRealElsewhere(t *testing.T) {
	port := freePort(t) // below what the system gives out by itself
	addr, pid := emulator(t, "Project64KSE.exe", fmt.Sprintf("0.0.0.0:%d", port))
	got, err := new(Finder).Owner(t.Context(), "udp", port-1)
	want := Holder{Addr: addr, PID: pid, Process: "Project64KSE.exe", Emulator: true}
	for _, h := range got.Elsewhere {
		if h == want {
			return
		}
	}
	t.Errorf("%+v is not among %+v, %v", want, got, err)
}

// freePort finds a UDP port that a person could have typed and that is not in use.
func freePort(t *testing.T) uint16 {
	t.Helper()
	for port := uint16(27890); port < 28890; port++ {
		held, err := Bound("udp", port)
		if err != nil {
			t.Fatal(err)
		}
		if !held {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func TestRealSockets(t *testing.T) {
	tests := []struct {
		name, transport string
		open            func() (io.Closer, net.Addr, error)
	}{
		{"udp", "udp", func() (io.Closer, net.Addr, error) {
			c, err := net.ListenPacket("udp4", "127.0.0.1:0")
			return c, c.LocalAddr(), err
		}},
		{"udp on the wildcard address", "udp", func() (io.Closer, net.Addr, error) {
			c, err := net.ListenPacket("udp4", "0.0.0.0:0")
			return c, c.LocalAddr(), err
		}},
		{"udp connected", "udp", func() (io.Closer, net.Addr, error) {
			c, err := net.Dial("udp4", "127.0.0.1:9")
			return c, c.LocalAddr(), err
		}},
		{"tcp", "tcp", func() (io.Closer, net.Addr, error) {
			c, err := net.Listen("tcp4", "127.0.0.1:0")
			return c, c.Addr(), err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			socket, local, err := tt.open()
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Close()
			addr := at(local.String())
			if held, err := Bound(tt.transport, addr.Port()); !held || err != nil {
				t.Errorf("Bound = %v, %v", held, err)
			}
			got, err := new(Finder).Owner(t.Context(), tt.transport, addr.Port())
			if err != nil || len(got.Port) != 1 {
				t.Fatalf("Owner = %+v, %v", got, err)
			}
			if h := got.Port[0]; h.Addr != addr || h.PID != os.Getpid() || !h.Self || h.Process == "" {
				t.Errorf("Owner = %+v, want ourselves on %v", h, addr)
			}
			socket.Close()
			if held, err := Bound(tt.transport, addr.Port()); held || err != nil {
				t.Errorf("Bound after closing = %v, %v", held, err)
			}
		})
	}
}

// A socket that takes IPv6 and IPv4 at once stands in the IPv6 table alone. Where the system has no
// IPv6, such a socket is an IPv4 one, and the missing table must not be an error.
func TestRealBothFamilies(t *testing.T) {
	c, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := at(c.LocalAddr().String())
	if held, err := Bound("udp", addr.Port()); !held || err != nil {
		t.Errorf("Bound = %v, %v", held, err)
	}
	got, err := new(Finder).Owner(t.Context(), "udp", addr.Port())
	if err != nil || len(got.Port) != 1 || got.Port[0].Addr != addr || !got.Port[0].Self {
		t.Errorf("Owner = %+v, %v", got, err)
	}
}

func BenchmarkBound(b *testing.B) {
	for b.Loop() {
		if _, err := Bound("udp", 27886); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOwner(b *testing.B) {
	for b.Loop() {
		if _, err := new(Finder).Owner(b.Context(), "udp", 27886); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOwnerAgain(b *testing.B) {
	var f Finder
	for b.Loop() {
		if _, err := f.Owner(b.Context(), "udp", 27886); err != nil {
			b.Fatal(err)
		}
	}
}
