//go:build lab && linux

package lab

import (
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// A router that may not open ports is named with its own words, and not pestered.
func TestPermissionDenied(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		router []string
		want   string // the router's own code
	}{
		{"PCP", []string{"deny=yes", "upnp=no"}, "NOT_AUTHORIZED"},
		{"UPnP", []string{"deny=yes", "natpmp=no"}, "606"},
		{"everything", []string{"deny=yes"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, tt.router...)
			requests := h.tap()
			s := h.start("")
			st := s.await(10*time.Second, "code mapping-refused", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Code == daemon.MappingRefused
			})
			checkBroken(t, &st.Ports[0], daemon.StepMapping)
			detail := step(t, &st.Ports[0], daemon.StepMapping).Detail
			if tt.want == "" {
				if !strings.Contains(detail, "606") && !strings.Contains(detail, "NOT_AUTHORIZED") {
					t.Errorf("detail %q, want the router's own code in it", detail)
				}
			} else if !strings.Contains(detail, tt.want) {
				t.Errorf("detail %q, want the router's own code %s in it", detail, tt.want)
			}
			checkStatusVerb(t, s, 1)
			h.wantRules()

			// One search with all its tries is about 20 requests. A loop without a pause is thousands.
			refused := time.Now()
			throughout(t, 10*time.Second, "at most 30 requests", func() bool {
				return len(requests.since(refused)) <= 30
			})
			t.Logf("in the 10 s after the refusal: %v", count(requests.since(refused)))
		})
	}
}

// checkBroken says whether the ladder breaks at this rung, with a next step and nothing after it.
func checkBroken(t *testing.T, p *daemon.Port, rung string) {
	t.Helper()
	if p.Verdict != daemon.NotReady || p.Headline == "" || p.NextStep == "" {
		t.Errorf("verdict %q, headline %q, next step %q; want not-ready and two sentences", p.Verdict, p.Headline, p.NextStep)
	}
	for _, s := range p.Steps {
		if s.State == daemon.StepBroken {
			if s.ID != rung {
				t.Errorf("the first broken rung is %s (%s), want %s", s.ID, s.Summary, rung)
			}
			return
		}
	}
	t.Errorf("no rung is broken, want %s: %+v", rung, p.Steps)
}

// Behind a second NAT this router refuses because its own outer address is not public. People are
// told that, and not to look for a switch in their router.
func TestSecondNAT(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"private", "cgnat"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.lab("wan", kind)
			h.lab("router", "start")
			s := h.start("")
			st := s.await(10*time.Second, "a diagnosis of the second NAT", func(_ *daemon.Status, p *daemon.Port) bool {
				switch p.Code {
				case daemon.DoubleNAT, daemon.CarrierNAT, daemon.MappingRefused:
					return true
				}
				return false
			})
			p := &st.Ports[0]
			rung := daemon.StepInternet
			if p.Code == daemon.MappingRefused {
				rung = daemon.StepMapping
			}
			checkBroken(t, p, rung)
			t.Logf("%s: %s %s", p.Code, p.Headline, p.NextStep)
			checkStatusVerb(t, s, 1)
		})
	}
}
