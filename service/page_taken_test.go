package service

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestTakenPageAddressIsSaidOnce: in the log once, and in the status for as long as it is so.
func TestTakenPageAddressIsSaidOnce(t *testing.T) {
	defer noGoroutinesLeft(t)
	holder, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	taken := netip.MustParseAddrPort(holder.Addr().String())
	free, _ := freePorts(t)
	settings := configs.Default()
	settings.Page.Listen = []netip.AddrPort{taken}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: &said}, &slog.HandlerOptions{Level: slog.LevelError}))
	world := demoWorld(simhome.New(simhome.Options{}), &simhome.Servers{}, &daemon.Store{})
	world.Route = func(context.Context, configs.Network) (route.Report, error) {
		return route.Report{}, route.ErrNoGateway
	}
	world.Save = func(daemon.Memory) error { return nil }
	world.Record = func(daemon.Event) error { return nil }
	d := daemon.New(daemon.Options{Settings: settings, World: world, Log: log})
	page := newPageServer(d, settings, log)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { serve(ctx, d, page, log) })

	await := func(want bool) {
		t.Helper()
		for st := d.Status(); ; st = d.Await(t.Context(), st.Pass) {
			if has := strings.Contains(strings.Join(st.Notices, "\n"), taken.String()); has == want {
				return
			}
		}
	}
	await(true)
	settings.Page.Listen = []netip.AddrPort{free}
	page.change(settings)
	await(false)
	cancel()
	done.Wait()
	if n := strings.Count(said.String(), "level=ERROR"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
