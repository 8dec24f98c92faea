package daemon

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/checker"
)

func TestTotalsOfShutTime(t *testing.T) {
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	var y tally
	for _, row := range []struct {
		at      int
		verdict Verdict
		shut    int64
		since   int // -1: open
	}{
		{0, Unknown, 0, 0},
		{3, NotReady, 0, 0},
		{10, Ready, 10, -1},
		{20, Reachable, 10, -1},
		{30, Checking, 10, 30}, // not told to be open
		{31, Unknown, 10, 30},
		{34, Reachable, 14, -1},
		{40, NotReady, 14, 40},
		{35, Ready, 14, -1}, // the clock was set back meanwhile
	} {
		got := y.totals(row.verdict, at(row.at))
		if got.Shut != row.shut || (got.ShutSince == nil) != (row.since < 0) || got.ShutSince != nil && !got.ShutSince.Equal(at(row.since)) {
			t.Errorf("at %d: shut %d since %v, want %d since %d", row.at, got.Shut, got.ShutSince, row.shut, row.since)
		}
	}
}

func TestTotalsOfChecks(t *testing.T) {
	var y tally
	y.checked(Fact[checkResult]{Err: errors.New("down")})
	y.checked(Fact[checkResult]{Value: checkResult{answer: checker.Answer{Reachable: true}}})
	y.checked(Fact[checkResult]{})
	y.checked(Fact[checkResult]{})
	if want := (CheckTotals{Reachable: 1, Unreachable: 2, Failed: 1}); y.checks != want {
		t.Errorf("got %+v, want %+v", y.checks, want)
	}
}

// TestTotalsInAHome: the loop counts what it does, over a change of address, too.
func TestTotalsInAHome(t *testing.T) {
	inHouseWith(t, checkSettings(), nil, func(h *house) {
		h.pass(time.Minute)
		if got := h.port().Totals; got.Grants != 1 || got.Renewals != 0 || got.Checks.Reachable != 1 || got.ShutSince != nil {
			t.Errorf("at first %+v", got)
		}
		h.Renumber(netip.MustParseAddr("11.77.0.99"))
		h.pass(3 * time.Hour)
		if got := h.port().Totals; got.Renewals < 5 || got.Checks.Reachable < 2 || got.Shut > 60 || got.ShutSince != nil {
			t.Errorf("after 3 h %+v", got)
		}
		if n := h.d.Status().PublicIPChanges; n != 1 {
			t.Errorf("the public address changed %d times", n)
		}
		h.PowerOff()
		h.pass(3 * time.Hour)
		if got := h.port().Totals; got.ShutSince == nil {
			t.Errorf("3 h without a router: %+v", got)
		}
	})
}
