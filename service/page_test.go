package service

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestPageFollowsItsSettings: a changed password, name or address counts at once, and not only after a
// restart that nobody makes.
func TestPageFollowsItsSettings(t *testing.T) {
	defer noGoroutinesLeft(t)
	settings := configs.Default()
	first, _ := freePorts(t)
	second, _ := freePorts(t)
	settings.Page.Listen = []netip.AddrPort{first}
	log := slog.New(slog.DiscardHandler)
	d := daemon.New(daemon.Options{Settings: settings, World: demoWorld(simhome.New(simhome.Options{}), &simhome.Servers{}, &daemon.Store{}), Log: log})
	p := newPageServer(d, settings, log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.run(ctx) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answers := func(page netip.AddrPort, host string, want int) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		got := -1
		for range 1000 {
			r, err := http.NewRequest(http.MethodGet, "http://"+page.String()+"/api/v1/history", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			got = 0
			if resp, err := client.Do(r); err == nil {
				got = resp.StatusCode
				resp.Body.Close()
			}
			if got == want {
				return
			}
			<-tick.C
		}
		t.Errorf("%s as %s answers %d, want %d", page, host, got, want)
	}
	answers(first, "localhost", 200)
	answers(first, "gamepc", http.StatusMisdirectedRequest)
	settings.Page.Hosts = []string{"gamepc"}
	p.change(settings)
	answers(first, "gamepc", 200)
	for range 5 { // faster than they are taken over: the last ones count
		settings.Page.Listen = []netip.AddrPort{first}
		p.change(settings)
		settings.Page.Listen = []netip.AddrPort{second}
		p.change(settings)
	}
	answers(second, "localhost", 200)
	answers(first, "localhost", 0)
	cancel()
	<-done
	answers(second, "localhost", 0)
}
