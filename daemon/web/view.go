package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// maxTimeline bounds the events on the page; /api/v1/history has all.
const maxTimeline = 40

// view is everything the template shows. Every string in it has been through viewer.text, or is
// our own.
type view struct {
	Title    string
	Verdict  daemon.Verdict // the worst one: names the picture in the tab
	Demo     bool
	Hidden   bool // addresses are masked now
	CanHide  bool // a link can turn that
	Version  string
	Now      int64 // milliseconds since 1970, for a browser whose clock differs
	At       *moment
	Started  *moment
	Ports    []portView
	Home     []group
	NextWhat string
	NextAt   *moment
	Timeline []eventView
	Earlier  int // events that are not on the page
	Notices  []string
}

type portView struct {
	ID       string // for anchors: p0, p1...
	Name     string
	Door     string // "UDP 27886"
	Verdict  daemon.Verdict
	Words    string // the verdict for people
	Headline string
	NextStep string
	Code     string
	Address  string // as shown
	Copy     string // as copied
	Offer    string // what to do with the address
	Steps    []stepView
	Groups   []group
	Check    *checkView // nil where there is nothing to check
	TakeOver string     // where the button leads that takes the port over; "" = no button
}

type stepView struct {
	ID, Name, State, Words, Summary, Detail string
}

// group is a small table of facts.
type group struct {
	ID, Title string
	Rows      []row
}

// row is one fact: text, a time, or both.
type row struct {
	Name, Text string
	Time       *moment
}

type eventView struct {
	At         *moment
	Kind, Text string
	Shut       string
}

// viewer turns a status into a view.
type viewer struct {
	now    time.Time
	hidden bool
	ask    string // name of the port whose check needs a person's word
}

// text makes any text from the status fit for the page.
func (v viewer) text(s string) string {
	if v.hidden {
		s = mask(s)
	}
	return text(s)
}

func (v viewer) detail(s string) string {
	if v.hidden {
		s = mask(s)
	}
	return detail(s)
}

func (v viewer) view(st *daemon.Status, history []daemon.Event) view {
	look := signOf(worst(st))
	out := view{
		Title:    look.Glyph + " " + look.Words + " · Portsitter",
		Verdict:  worst(st),
		Demo:     st.Demo,
		Hidden:   v.hidden,
		Now:      v.now.UnixMilli(),
		At:       momentOf(st.At, v.now),
		Started:  momentOf(st.Started, v.now),
		Home:     v.home(st),
		Timeline: v.timeline(history),
		Earlier:  max(0, len(history)-maxTimeline),
	}
	for i, p := range st.Ports {
		out.Ports = append(out.Ports, v.port("p"+strconv.Itoa(i), p))
	}
	for _, n := range st.Notices {
		out.Notices = append(out.Notices, v.text(n))
	}
	if n := st.Next; n != nil {
		out.NextWhat, out.NextAt = v.text(n.What), momentOf(n.At, v.now)
	}
	return out
}

func (v viewer) port(id string, p daemon.Port) portView {
	verdict := known(p.Verdict)
	out := portView{
		ID: id, Name: v.text(p.Name), Door: transportName(p.Transport) + " " + strconv.Itoa(int(p.Port)),
		Verdict: verdict, Words: signOf(verdict).Words, Code: v.text(string(p.Code)),
		Headline: v.text(p.Headline), NextStep: v.text(p.NextStep),
		Address: v.text(p.Address), Copy: text(p.Address),
		Offer: offer(verdict),
	}
	for _, s := range p.Steps {
		out.Steps = append(out.Steps, v.step(s))
	}
	out.Groups = v.portFacts(id, p)
	out.Check, out.TakeOver = v.check(p), v.takeOver(p)
	return out
}

// offer says what an address is worth under a verdict.
func offer(v daemon.Verdict) string {
	switch v {
	case daemon.Reachable, daemon.Ready:
		return "Give your opponent this address"
	case daemon.NotReady:
		return "This address does not work now"
	}
	return "Your address, not confirmed yet"
}

func (v viewer) step(s daemon.Step) stepView {
	names := map[string]string{
		daemon.StepNetwork: "Network", daemon.StepRouter: "Router", daemon.StepInternet: "Internet",
		daemon.StepMapping: "Port mapping", daemon.StepFirewall: "Firewall of this PC",
		daemon.StepGame: "Game", daemon.StepOutside: "Seen from outside",
	}
	out := stepView{ID: v.text(s.ID), Summary: v.text(s.Summary), Detail: v.detail(s.Detail)}
	out.Name = cmp.Or(names[s.ID], out.ID)
	switch s.State {
	case daemon.StepOK:
		out.State, out.Words = "ok", "good"
	case daemon.StepBroken:
		out.State, out.Words = "broken", "broken"
	case daemon.StepSkipped:
		out.State, out.Words = "skipped", "skipped"
	default: // whatever it is: not known is never drawn as good
		out.State, out.Words = "unknown", "not known"
	}
	return out
}

// timeline is the history with the newest event first.
func (v viewer) timeline(history []daemon.Event) []eventView {
	var out []eventView
	for _, e := range slices.Backward(history) {
		if len(out) == maxTimeline {
			break
		}
		ev := eventView{At: momentOf(e.At, v.now), Kind: v.text(e.Kind), Text: v.text(e.Text)}
		if e.Shut > 0 {
			ev.Shut = "was shut for " + span(seconds(e.Shut))
		}
		out = append(out, ev)
	}
	return out
}

// seconds is a count from the status as a duration, without running over.
func seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), 1<<32)) * time.Second
}

func transportName(s string) string {
	switch s {
	case "udp":
		return "UDP"
	case "tcp":
		return "TCP"
	}
	return text(s)
}

func protocolName(s string) string {
	switch s {
	case "pcp":
		return "PCP"
	case "nat-pmp":
		return "NAT-PMP"
	case "upnp":
		return "UPnP"
	}
	return text(s)
}

func process(g *daemon.Game) string {
	switch name := text(g.Process); {
	case name != "" && g.PID != 0:
		return fmt.Sprintf("%s (pid %d)", name, g.PID)
	case name != "":
		return name
	case g.PID != 0:
		return fmt.Sprintf("pid %d", g.PID)
	}
	return "a program the system does not name"
}
