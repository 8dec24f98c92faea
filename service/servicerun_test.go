package service

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
)

// The watchdog is fed while the loop turns, often enough, and not any more when the loop hangs.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = time.Minute
		start, hangs, fed := time.Now(), 10*time.Minute, []time.Duration{0}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		turn := func(ctx context.Context) error {
			if time.Since(start) < hangs {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		feed(ctx, timeout, turn, func() { fed = append(fed, time.Since(start)) })
		for i := 1; i < len(fed); i++ {
			if fed[i]-fed[i-1] > timeout/2 {
				t.Errorf("nothing between %v and %v", fed[i-1], fed[i])
			}
		}
		if last := fed[len(fed)-1]; last >= hangs || last < hangs-timeout/2 {
			t.Errorf("last fed at %v, the loop hangs from %v on", last, hangs)
		}
	})
}

// A router that keeps each of the most ports waiting for as long as it is waited for makes no watchdog
// bite, whenever it begins.
func TestFeedWhileTheRouterHangs(t *testing.T) {
	const soap = 5 * time.Second // the most that one request may take
	unit, err := os.ReadFile("system/portsitter.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"WatchdogSec", "TimeoutStartSec"} {
		found := regexp.MustCompile(`(?m)^` + key + `=([0-9]+)min$`).FindSubmatch(unit)
		if found == nil {
			t.Fatalf("the unit says nothing about %s in minutes", key)
		}
		minutes, err := strconv.Atoi(string(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		timeout := time.Duration(minutes) * time.Minute
		for hangsFrom := time.Duration(0); hangsFrom < timeout; hangsFrom += 7 * time.Second {
			synctest.Test(t, func(t *testing.T) {
				start, last := time.Now(), time.Duration(0)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				turn := func(context.Context) error {
					if since := time.Since(start); since > hangsFrom && since < hangsFrom+configs.MaxPorts*soap {
						<-time.After(hangsFrom + configs.MaxPorts*soap - since)
					}
					return ctx.Err()
				}
				feed(ctx, timeout, turn, func() {
					if gap := time.Since(start) - last; gap >= timeout {
						t.Errorf("%s: nothing for %v, when the router hangs from %v on", key, gap, hangsFrom)
					}
					last = time.Since(start)
				})
			})
		}
	}
}

func TestFeedWithoutWatchdog(t *testing.T) {
	feed(t.Context(), 0, func(context.Context) error { t.Error("the loop is bothered"); return nil }, func() {})
}

// The line of the service manager is about the port that needs somebody.
func TestServiceStatus(t *testing.T) {
	open := daemon.Port{Verdict: daemon.Ready, Headline: "You can host"}
	shut := daemon.Port{Verdict: daemon.NotReady, Headline: "Port 1 leads\nto another PC"}
	for want, ports := range map[string][]daemon.Port{
		"":                           nil,
		"You can host":               {open, open},
		"Port 1 leads to another PC": {open, shut},
	} {
		if got := serviceStatus(&daemon.Status{Ports: ports}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
