//go:build lab && linux

package lab

import (
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// Nobody answers: that is said soon, asked again ever more rarely, and forgotten as soon as the
// network changes.
func TestNoRouterAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		silent []string
		wake   func(h *home) // the router works again, and something tells of it
	}{
		{"ports closed, then the router starts", nil, func(h *home) {
			h.lab("router", "start") // miniupnpd announces itself
		}},
		{"silent, then the cable is plugged in again", []string{"pmp", "ssdp", "http"}, func(h *home) {
			h.lab("lan", "down")
			h.lab("router", "start") // nobody hears that
			h.lab("lan", "up")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.lab("router", "stop")
			if tt.silent != nil {
				h.lab(append([]string{"router", "drop"}, tt.silent...)...)
			}
			requests := h.tap()
			s := h.start("")
			st := s.await(4*time.Second, "code no-router-answer", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Code == daemon.NoRouterAnswer
			})
			checkBroken(t, &st.Ports[0], daemon.StepRouter)
			checkStatusVerb(t, s, 1)

			// A search with all its tries is about 20 requests; a loop without a pause is thousands.
			eventually(t, 60*time.Second, "two pauses between the attempts", func() bool {
				if n := len(requests.all()); n > 100 {
					t.Fatalf("%d requests: %v", n, count(requests.all()))
				}
				return len(pauses(requests.all())) >= 2
			})
			p := pauses(requests.all())
			t.Logf("%v, pauses %v", count(requests.all()), p)
			if p[1] < p[0]*5/4 {
				t.Errorf("a pause of %v after one of %v, want a longer one", p[1], p[0])
			}

			tt.wake(h)
			checkExternal(t, s.awaitGrant(5*time.Second))
			h.reachable(at(outer, kaillera))
		})
	}
}
