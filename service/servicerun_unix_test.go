//go:build unix

package service

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// systemd hears in this order: that we are there, how we are, that the loop lives, that we go.
func TestTelling(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	systemd.SetReadDeadline(time.Now().Add(20 * time.Second))
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "300000")
	t.Setenv("WATCHDOG_PID", "")

	d, ctx, stop := demoDaemon(t)
	ended := make(chan struct{})
	go func() { defer close(ended); d.Run(ctx) }()
	told := make(chan struct{})
	go func() { defer close(told); telling(d, slog.New(slog.DiscardHandler))(ctx) }()

	hear := func() string {
		buffer := make([]byte, 4096)
		n, err := systemd.Read(buffer)
		if err != nil {
			t.Fatalf("systemd waits for a word: %v", err)
		}
		return string(buffer[:n])
	}
	if got := hear(); got != "READY=1" {
		t.Errorf("the first word is %q", got)
	}
	for fed, status := 0, false; fed < 3 || !status; {
		switch got := hear(); {
		case got == "WATCHDOG=1":
			fed++
		case strings.HasPrefix(got, "STATUS="):
			status = true
		default:
			t.Fatalf("heard %q", got)
		}
	}
	stop()
	<-told
	for last := ""; !strings.HasPrefix(last, "STOPPING=1\n"); {
		if last = hear(); strings.HasPrefix(last, "READY") {
			t.Fatalf("heard %q after the end", last)
		}
	}
	<-ended
}

// A loop that does not turn feeds no watchdog, and does not claim to be there.
func TestTellingAboutALoopThatHangs(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "3000")
	d, ctx, stop := demoDaemon(t) // and nobody runs it
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	telling(d, slog.New(slog.DiscardHandler))(ctx)
	buffer := make([]byte, 4096)
	n, err := systemd.Read(buffer)
	if got := string(buffer[:n]); err != nil || !strings.HasPrefix(got, "STOPPING=1") {
		t.Errorf("the first word is %q, %v", got, err)
	}
}

// demoDaemon is a daemon in a home in software, as the demo makes it.
func demoDaemon(t *testing.T) (*daemon.Daemon, context.Context, func()) {
	t.Helper()
	settings, log := configs.Default(), slog.New(slog.DiscardHandler)
	home := simhome.New(simhome.Options{Port: settings.Ports[0].ExternalPort})
	servers, err := home.Serve(context.WithoutCancel(t.Context()), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { servers.Close() })
	store, memory, _, err := daemon.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	settings.PublicIP.HTTP, settings.PublicIP.STUN, settings.Checker.URLs = nil, nil, nil
	d := daemon.New(daemon.Options{Settings: settings, World: demoWorld(home, servers, store), Memory: memory, Version: "test", Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	return d, ctx, cancel
}
