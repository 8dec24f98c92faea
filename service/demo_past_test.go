package service

import (
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// TestDemoPast: the invented month is in order, ends before the demo begins, and has something of all
// that the page can show.
func TestDemoPast(t *testing.T) {
	for _, now := range []time.Time{
		time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC),
		time.Date(2026, 11, 20, 0, 0, 30, 0, time.UTC), // just after midnight
	} {
		kinds := map[string]int{}
		var last time.Time
		shut := false
		for e := range demoPast(now, "Kaillera P2P", netip.MustParseAddr("203.0.113.7")) {
			if e.At.Before(last) || e.At.After(now) {
				t.Fatalf("%s comes after %s", e.At, last)
			}
			last, shut = e.At, shut || e.Shut > 0
			kinds[e.Kind]++
		}
		if kinds["start"] < 3 || kinds["verdict"] < 10 || kinds["address"] < 4 || kinds["alive"] < 2000 || !shut {
			t.Errorf("%s: %v, something was shut: %t", now, kinds, shut)
		}
	}
	n := 0
	for range demoPast(time.Now(), "", netip.Addr{}) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d events before the reader had enough", n)
	}
}

func TestDemoPastIsPast(t *testing.T) {
	var e daemon.Event
	for e = range demoPast(time.Now(), "A", netip.MustParseAddr("203.0.113.7")) {
		if e.At.Before(time.Now().AddDate(0, 0, -31)) {
			t.Fatalf("%s is longer ago than the page shows", e.At)
		}
	}
	if e.Code != daemon.Stopped {
		t.Errorf("the past ends with %+v, not with a stop", e)
	}
}
