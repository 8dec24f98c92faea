//go:build lab && linux

package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// stopWithin is how long taking the mapping away may take at the end.
const stopWithin = 3 * time.Second

// A crash leaves the entry in the router: the next start takes it over instead of adding one, and
// the end takes it away. What others entered, even for our own port, stays.
func TestCrashThenStop(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"pcp", "nat-pmp", "upnp"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			byHand := []string{
				fmt.Sprintf("27890->%v", at(host, kaillera)),
				fmt.Sprintf("30001->%v", at(host, 30001)),
				fmt.Sprintf("30002->%v", at(host, 30002)),
			}
			h.add("upnpc", "-e", "by hand", "-a", host.String(), "27886", "27890", "udp", "3600")
			h.add("upnpc", "-e", "another game", "-a", host.String(), "30001", "30001", "udp", "3600")
			h.add("natpmpc", "-a", "30002", "30002", "udp", "3600")
			h.wantRules(byHand...)

			state, settings := t.TempDir(), fmt.Sprintf("[router]\nprotocols = [%q]\n", protocol)
			s := h.startIn(state, settings)
			s.awaitGrant(2 * time.Second)
			h.wantRules(append(byHand, ourRule)...)
			s.kill()
			h.wantRules(append(byHand, ourRule)...)

			s = h.startIn(state, settings)
			checkExternal(t, s.awaitGrant(2*time.Second)) // the same port again
			h.wantRules(append(byHand, ourRule)...)
			h.reachable(at(outer, kaillera))

			if took := s.stop(); took > stopWithin {
				t.Errorf("stopping took %v, want at most %v", took, stopWithin)
			}
			h.wantRules(byHand...)
			h.unreachable(at(outer, kaillera))
			h.reachable(at(outer, 27890))
		})
	}
}

// A router that has died does not keep the program from ending in time.
func TestStopWithoutRouter(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.start("")
	s.awaitGrant(2 * time.Second)
	h.lab("router", "stop")
	h.lab("router", "drop", "pmp", "ssdp", "http")
	if took := s.stop(); took > stopWithin+500*time.Millisecond {
		t.Errorf("stopping took %v, want at most %v", took, stopWithin)
	}
}

// add enters a forwarding as a person or another program does.
func (h *home) add(command ...string) {
	h.t.Helper()
	out, err := h.command("lan", command...).CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "is redirected to") && !strings.Contains(text, "Mapped public port") {
		h.t.Fatalf("%v: %v\n%s", command, err, out)
	}
}

// wantRules fails the test unless the router holds exactly these forwardings.
func (h *home) wantRules(want ...string) {
	h.t.Helper()
	got := h.rules()
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		h.t.Fatalf("router holds\n%v, want\n%v", got, want)
	}
}
