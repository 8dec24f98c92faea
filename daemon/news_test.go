package daemon

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/notify"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// heardNews is one message that receivers got.
type heardNews struct {
	after time.Duration // since the Daemon was started
	to    configs.Notify
	news  notify.News
}

func (h *house) notify(ctx context.Context, to configs.Notify, news notify.News) []notify.Result {
	h.mu.Lock()
	h.heard = append(h.heard, heardNews{time.Since(h.d.Status().Started), to, news})
	round := len(h.heard)
	h.mu.Unlock()
	if h.tells == nil {
		return nil
	}
	return h.tells(ctx, round, to)
}

// wantNews compares the events that receivers have heard of so far.
func (h *house) wantNews(events ...string) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var got []string
	for _, n := range h.heard {
		got = append(got, n.news.Event)
	}
	if !reflect.DeepEqual(got, events) {
		h.t.Errorf("told %q, want %q: %+v", got, events, h.heard)
	}
}

func (h *house) lastNews() heardNews {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.heard) == 0 {
		return heardNews{}
	}
	return h.heard[len(h.heard)-1]
}

func tellingSettings() configs.Settings {
	s := testSettings()
	s.Notify.Webhooks = []configs.Webhook{{URL: "https://one.test/", Kind: "discord"}, {URL: "https://two.test/", Kind: "ntfy"}}
	return s
}

func TestNewsSettlesFirst(t *testing.T) {
	inHouseWith(t, tellingSettings(), nil, func(h *house) {
		h.pass(59 * time.Second)
		h.wantNews()
		h.pass(2 * time.Second)
		h.wantNews("verdict")
		n := h.lastNews()
		if n.after < settlesIn || n.news.Public != outside || len(n.news.Ports) != 1 || n.news.Ports[0].Address != "11.77.0.2:27886" || len(n.to.Webhooks) != 2 {
			t.Errorf("%+v", n)
		}
		h.pass(24 * time.Hour)
		h.wantNews("verdict")
		if h.kept().Told == nil {
			t.Error("not written down")
		}
	})
}

func TestFlapIsNoNews(t *testing.T) {
	inHouseWith(t, tellingSettings(), nil, func(h *house) {
		h.pass(2 * time.Minute)
		h.moveTo(route.Report{}, route.ErrNoGateway)
		h.pass(50 * time.Second)
		h.want(NoNetwork)
		h.moveTo(home, nil)
		h.pass(time.Hour)
		h.wantNews("verdict")
		h.moveTo(route.Report{}, route.ErrNoGateway)
		h.pass(70 * time.Second)
		h.wantNews("verdict", "verdict")
		if p := h.lastNews().news.Ports[0]; p.Code != string(NoNetwork) || p.NextStep == "" {
			t.Errorf("%+v", p)
		}
		h.moveTo(home, nil)
		h.pass(2 * time.Minute)
		h.wantNews("verdict", "verdict", "verdict")
	})
}

func TestRestartTellsOnlyWhatChanged(t *testing.T) {
	inHouseWith(t, tellingSettings(), nil, func(h *house) {
		h.pass(2 * time.Minute)
		h.wantNews("verdict")
		h.stop()
		h.pass(time.Hour)
		h.start(tellingSettings())
		h.pass(time.Hour)
		h.wantNews("verdict")
		h.stop()
		moved := netip.MustParseAddr("11.77.0.9")
		h.Renumber(moved)
		h.start(tellingSettings())
		h.pass(2 * time.Minute)
		h.wantNews("verdict", "address")
		if n := h.lastNews().news; n.Public != moved || n.Previous != outside || n.Ports[0].Address != "11.77.0.9:27886" {
			t.Errorf("%+v", n)
		}
	})
}

// TestStopWhileItIsTold: what may not have arrived is told again.
func TestStopWhileItIsTold(t *testing.T) {
	inHouseWith(t, tellingSettings(), func(h *house) {
		h.tells = func(ctx context.Context, round int, _ configs.Notify) []notify.Result {
			if round == 1 {
				<-ctx.Done()
			}
			return nil
		}
	}, func(h *house) {
		h.pass(2 * time.Minute)
		h.stop()
		h.start(tellingSettings())
		h.pass(2 * time.Minute)
		h.wantNews("verdict", "verdict")
		h.pass(time.Hour)
		h.wantNews("verdict", "verdict")
	})
}

func TestReceiverThatFails(t *testing.T) {
	inHouseWith(t, tellingSettings(), func(h *house) {
		h.tells = func(_ context.Context, round int, _ configs.Notify) []notify.Result {
			switch round {
			case 1:
				return []notify.Result{
					{Receiver: "discord at https://one.test", Err: &notify.Failure{Text: "it answers 503"}},
					{Receiver: "ntfy at https://two.test", Index: 1},
				}
			case 2:
				return []notify.Result{{Receiver: "discord at https://one.test", Err: &notify.Failure{Text: "it answers 503", Retry: 3 * time.Hour}}}
			}
			return []notify.Result{{Receiver: "discord at https://one.test"}}
		}
	}, func(h *house) {
		h.pass(2 * time.Minute)
		if n := h.d.Status().Notices; len(n) != 1 || n[0] != "Not told: discord at https://one.test: it answers 503" {
			t.Errorf("notices %q", n)
		}
		h.pass(10 * time.Minute)
		if n := h.lastNews(); len(h.heard) != 2 || len(n.to.Webhooks) != 1 || n.to.Webhooks[0].Kind != "discord" || len(n.news.Ports) != 1 {
			t.Errorf("%d rounds, the last %+v", len(h.heard), n)
		}
		h.pass(2 * time.Hour)
		h.wantNews("verdict", "verdict")
		h.pass(time.Hour)
		h.wantNews("verdict", "verdict", "verdict")
		if n := h.d.Status().Notices; len(n) != 0 {
			t.Errorf("notices %q", n)
		}
		h.pass(24 * time.Hour)
		h.wantNews("verdict", "verdict", "verdict")
	})
}

func TestReceiverThatIsGoneIsNotAskedAgain(t *testing.T) {
	inHouseWith(t, tellingSettings(), func(h *house) {
		h.tells = func(context.Context, int, configs.Notify) []notify.Result {
			return []notify.Result{{Receiver: "discord at https://one.test", Err: &notify.Failure{Text: "it answers 404", Final: true}}}
		}
	}, func(h *house) {
		h.pass(24 * time.Hour)
		h.wantNews("verdict")
		if n := h.d.Status().Notices; len(n) != 1 {
			t.Errorf("notices %q", n)
		}
		h.d.Configure(testSettings(), nil)
		h.pass(time.Minute)
		if n := h.d.Status().Notices; len(n) != 0 {
			t.Errorf("a receiver that is not in the settings any more: %q", n)
		}
	})
}

// TestReceiverThatHangsDoesNotHoldTheLoop up, nor the stop.
func TestReceiverThatHangsDoesNotHoldTheLoop(t *testing.T) {
	inHouseWith(t, tellingSettings(), func(h *house) {
		h.tells = func(ctx context.Context, _ int, _ configs.Notify) []notify.Result {
			<-ctx.Done()
			return nil
		}
	}, func(h *house) {
		h.pass(2 * time.Minute)
		h.wantNews("verdict")
		h.Reboot(false)
		h.pass(time.Minute)
		h.wantOpen(true)
		begun := time.Now()
		h.stop()
		if took := time.Since(begun); took > stopWithin {
			t.Errorf("the stop took %v", took)
		}
		if h.kept().Told != nil {
			t.Error("written down as told")
		}
	})
}

// TestFlappingIsRateLimited: a router that goes and comes every two minutes, for a day.
func TestFlappingIsRateLimited(t *testing.T) {
	inHouseWith(t, tellingSettings(), nil, func(h *house) {
		h.pass(time.Second)
		for range 12 * 15 {
			h.moveTo(route.Report{}, route.ErrNoGateway)
			h.pass(2 * time.Minute)
			h.moveTo(home, nil)
			h.pass(2 * time.Minute)
		}
		if n := len(h.heard); n < 60 || n > 130 { // ten an hour
			t.Errorf("told %d times in twelve hours", n)
		}
		h.pass(2 * time.Hour)
		if p := h.lastNews().news.Ports[0]; p.Verdict != string(Ready) {
			t.Errorf("the last word was %+v", p)
		}
	})
}

func TestNobodyToTellWritesNothing(t *testing.T) {
	inHouse(t, func(h *house) { h.Configure(func(f *simhome.Faults) { f.Deny = true }) }, func(h *house) {
		h.pass(time.Hour)
		h.wantNews()
		if h.kept().Told != nil {
			t.Errorf("%+v", h.kept().Told)
		}
	})
}

func TestNewsOf(t *testing.T) {
	addr := netip.MustParseAddr("203.0.113.7")
	s := &Status{At: t0, PublicIP: &PublicIP{Address: addr}, Ports: []Port{
		{Name: "A", Verdict: Reachable, Code: CodeReachable, Address: "203.0.113.7:1"},
		{Name: "B", Verdict: NotReady, Code: PortTaken},
		{Name: "C", Verdict: Unknown, Code: Starting},
	}}
	now := facts(s)
	if len(now) != 3 {
		t.Fatalf("what is not known is no fact: %+v", now)
	}
	for _, row := range []struct {
		name  string
		told  []Told
		event string
		ports string
	}{
		{"all", nil, notify.Verdict, "BA"},
		{"nothing", now, "", ""},
		{"public address", []Told{{Address: "203.0.113.1"}, now[1], now[2]}, notify.PublicAddress, ""},
		{"both addresses", []Told{{Address: "203.0.113.1"}, {Port: "A", State: stateOpen, Address: "203.0.113.1:1"}, now[2]}, notify.Address, "A"},
		{"another fault", []Told{now[0], now[1], {Port: "B", State: string(NotKept)}}, notify.Verdict, "B"},
	} {
		var n newsState
		n.watch(row.told, now, t0)
		if n.settled(t0) != nil || len(n.settling) > 0 && !n.due().Equal(t0.Add(settlesIn)) {
			t.Errorf("%s: due %v", row.name, n.due())
		}
		settled := n.settled(t0.Add(settlesIn))
		if len(settled) == 0 {
			if row.event != "" {
				t.Errorf("%s: nothing", row.name)
			}
			continue
		}
		news := newsOf(s, row.told, settled)
		var ports strings.Builder
		for _, p := range news.Ports {
			ports.WriteString(p.Name)
		}
		if news.Event != row.event || ports.String() != row.ports || news.Public != addr {
			t.Errorf("%s: %+v", row.name, news)
		}
		n.watch(after(row.told, settled), now, t0.Add(settlesIn))
		if len(n.settling) != 0 {
			t.Errorf("%s: told, and still to be told: %+v", row.name, n.settling)
		}
	}
}
