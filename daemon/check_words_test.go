package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestStuckMayBeBusy: from outside a game with a player and one that is stuck are both silent, so what
// is said must be right for both.
func TestStuckMayBeBusy(t *testing.T) {
	s := checkSettings()
	s.Checker.Automatic = false
	inHouseWith(t, s, func(h *house) { h.hosting, h.gameStuck = true, true }, func(h *house) {
		askedCheck(h)
		h.want(HostStuck)
		p := h.port()
		if !strings.Contains(p.Headline, "connected to it already") || !strings.Contains(p.NextStep, "leave it as it is") {
			t.Errorf("%s\n%s", p.Headline, p.NextStep)
		}
	})
}

// TestAnswerThatGetsLost: what came in was seen, so nobody is told that no reason was found, or that the
// router lets nothing in; also when only one of the tries came in.
func TestAnswerThatGetsLost(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration // the first try, then nothing comes in any more; 0: the others come in, too
	}{
		{"each try", 0},
		{"one try of three", time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouseWith(t, checkSettings(), func(h *house) { h.deafVisitor = true }, func(h *house) {
				if row.after > 0 {
					h.pass(row.after)
					h.mu.Lock()
					h.deafVisitor = false
					h.mu.Unlock()
					h.Configure(func(f *simhome.Faults) { f.NotForwarding = true })
				}
				h.pass(time.Minute)
				h.want(NobodyAnswers)
				h.says("answer of this PC got lost")
				h.says("The way in works")
				step := h.port().Steps[len(h.port().Steps)-1]
				if step.ID != StepOutside || !strings.Contains(step.Summary, "came in") {
					t.Errorf("%+v", step)
				}
				if n := h.checks.Load(); n != standInTries {
					t.Errorf("%d questions to the checker: the entry that let packets in was made anew", n)
				}
			})
		})
	}
}
