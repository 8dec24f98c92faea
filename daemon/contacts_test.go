package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
)

// TestContacts: whoever the settings name is on the list, with the way to switch it off, and nobody
// else is; what may be secret is not.
func TestContacts(t *testing.T) {
	all := checkSettings()
	all.Router.Upstream = true
	all.Notify.Webhooks = []configs.Webhook{{URL: "https://hooks.example/secret"}}
	all.Checker.URLs = append(all.Checker.URLs, "https://user:secret@other.test/p2p-check?key=secret")
	words := fmt.Sprint(newState(all, Memory{}, t0).contacts())
	for _, want := range []string{"PCP, NAT-PMP and UPnP", "A second router", "stun.test:3478", "get-ip.test", "checker.test, other.test", "every 30 min", "every 6 h",
		"automatic = false", "1 webhook of your own", "6 h after one that failed", "at most 300 times an hour"} {
		if !strings.Contains(words, want) {
			t.Errorf("nothing about %s in %s", want, words)
		}
	}
	if strings.Contains(words, "secret") {
		t.Errorf("it tells a secret: %s", words)
	}
	none := testSettings()
	none.PublicIP.STUN, none.PublicIP.HTTP = nil, nil
	if got := newState(none, Memory{}, t0).contacts(); len(got) != 1 {
		t.Errorf("contacts %v, want the router alone", got)
	}
}

func TestContactsFollowTheSettings(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Minute)
		before := len(h.d.Contacts())
		s := testSettings()
		s.PublicIP.STUN = nil
		h.d.Configure(s, nil)
		h.pass(time.Minute)
		if after := len(h.d.Contacts()); after != before-1 {
			t.Errorf("%d contacts, then %d", before, after)
		}
	})
}

// TestStepsSayWhen: every rung that was looked at says when.
func TestStepsSayWhen(t *testing.T) {
	inHouseWith(t, checkSettings(), nil, func(h *house) {
		h.pass(5 * time.Minute)
		s := h.d.Status()
		for _, step := range s.Ports[0].Steps {
			if age := s.At.Sub(step.At); age < 0 || step.At.IsZero() || age > 5*time.Minute {
				t.Errorf("%s was looked at %s", step.ID, step.At)
			}
		}
	})
}

// TestAgeIsNoNews: a later look that shows the same is not published for its own sake.
func TestAgeIsNoNews(t *testing.T) {
	status := func(at time.Time, summary string) *Status {
		return &Status{At: at, Ports: []Port{{Steps: []Step{{ID: StepNetwork, Summary: summary, At: at}}}}}
	}
	old := status(t0, "same")
	if !old.sameAs(status(t0.Add(time.Second), "same")) || old.sameAs(status(t0, "other")) {
		t.Error("a later look is news, or another summary is not")
	}
	if old.At != t0 || old.Ports[0].Steps[0].At != t0 {
		t.Error("comparing has changed what was published")
	}
}
