//go:build lab && linux

package lab

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// besides is the external port that is opened while another PC has ours.
const besides = kaillera + 1

// startDisplaced starts the program in a home where another PC has the port, and waits until another
// one is open.
func (h *home) startDisplaced() (*sitter, *gate) {
	h.t.Helper()
	h.lab("conflict", "on")
	g := h.gate(at(outer, kaillera), at(outer, besides))
	s := h.start("")
	a := g.again("another PC has the port", s.started, 3*time.Second, nil)
	if want := at(outer, besides).String(); a.door != want {
		h.t.Errorf("open at %s, want %s", a.door, want)
	}
	st := s.await(5*time.Second, "code other-external-port, and who has the port", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.OtherExternalPort && p.Address == a.door && strings.Contains(p.NextStep, "192.168.77.3")
	})
	h.t.Logf("said so: %s %s", st.Ports[0].Headline, st.Ports[0].NextStep)
	return s, g
}

func atHome(a arrival) bool { return a.door == at(outer, kaillera).String() }

// Another PC has the port: the next one is open meanwhile, and ours as soon as it is seen to be free.
func TestFaultPortGivenBack(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s, g := h.startDisplaced()
	h.grown()
	h.lab("conflict", "off")
	g.again("another PC gives the port back", time.Now(), 65*time.Second, atHome)
	s.await(5*time.Second, "code ready", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.CodeReady
	})
	h.wantRules(ourRule)
	t.Logf("history: %s", s.history())
}

// The same, and a person asks for the port.
func TestFaultTakenOver(t *testing.T) {
	t.Parallel()
	h := newHome(t, "secure=no")
	s, g := h.startDisplaced()
	asked := time.Now()
	rsp, err := s.client.Post("http://"+page+"/api/v1/takeover?port="+url.QueryEscape("Kaillera P2P"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	rsp.Body.Close()
	if rsp.StatusCode != http.StatusAccepted {
		t.Fatalf("take-over: %s", rsp.Status)
	}
	g.again("taken over, as asked", asked, 3*time.Second, atHome)
	s.await(5*time.Second, "code ready", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.CodeReady
	})
	h.wantRules(ourRule)
}
