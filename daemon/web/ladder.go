package web

import (
	"cmp"
	"strings"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// rungs are the rungs of the ladder for people: what they are called, what they ask, and whom.
var rungs = map[string]struct{ name, question, asks string }{
	daemon.StepNetwork:  {"Network", "Is there a router, and which address of this PC faces it?", "the route table of this PC"},
	daemon.StepRouter:   {"Router", "Does it answer PCP, NAT-PMP or UPnP?", "the router, in all three ways at once"},
	daemon.StepInternet: {"Internet", "Is the router's outer address the one the internet sees?", "the router, a STUN server and a get-ip page"},
	daemon.StepMapping:  {"Port mapping", "Does the router hold our entry, to the right address?", "the router: its grant, then reading it back"},
	daemon.StepFirewall: {"Firewall of this PC", "Does this PC let the port in?", "the firewall rules of this PC"},
	daemon.StepGame:     {"Game", "Is somebody hosting now, and who?", "which process holds the port"},
	daemon.StepOutside:  {"Seen from outside", "Did a stranger's packet come in?", "a checker on the internet"},
}

// stateOf is the state of a rung as a class and in words. What is not known is never drawn as good.
func stateOf(s daemon.StepState) (class, words string) {
	switch s {
	case daemon.StepOK:
		return "ok", "good"
	case daemon.StepBroken:
		return "broken", "broken"
	case daemon.StepSkipped:
		return "skipped", "skipped"
	}
	return "unknown", "not known"
}

// ladder is the path in words, top to bottom.
func (v viewer) ladder(id string, st *daemon.Status, p daemon.Port) h.Node {
	var list []h.Node
	for _, s := range p.Steps {
		list = append(list, v.rung(id, st, p, s))
	}
	return card(id+"-ladder", "ladder", "Step by step", h.E("ol", list...))
}

func (v viewer) rung(id string, st *daemon.Status, p daemon.Port, s daemon.Step) h.Node {
	class, words := stateOf(s.State)
	about := rungs[s.ID]
	step := v.text(s.ID)
	return h.E("li", h.Class("s-"+class), h.A("data-step", step), mark("m-"+class), h.E("div",
		h.E("h4", h.Text(cmp.Or(about.name, step)), h.E("span", h.Class("state"), h.Text(words))),
		h.E("p", v.t(s.Summary)),
		v.rungDetails(id+"-"+step, class, s, h.All(
			line("Question", h.Text(about.question)), line("Asked", h.Text(about.asks)),
			line("Answered", h.Text(v.answered(st, p, s.ID))), line("Looked at", momentOf(s.At, v.now).node())))))
}

// rungDetails are closed but on the broken rung. Their name holds the state, so that what a reader has
// opened or closed is kept until the state changes.
func (v viewer) rungDetails(id, class string, s daemon.Step, facts h.Node) h.Node {
	open, detail := h.Node(nil), h.Node(nil)
	if class == "broken" {
		open = h.A("open", "")
	}
	if s.Detail != "" {
		detail = h.E("p", h.Class("detail"), h.Text(v.detail(s.Detail)))
	}
	if s.Detail == "" && (class == "skipped" || s.At.IsZero()) { // nothing was asked
		return nil
	}
	return h.E("details", h.A("id", id+"-"+class), open,
		h.E("summary", h.A("id", id+"-more"), h.Text("Details")), h.E("div", h.Class("panel"), detail, h.E("dl", facts)))
}

// answered is what came back, as short as it can be said.
func (v viewer) answered(st *daemon.Status, p daemon.Port, step string) string {
	switch step {
	case daemon.StepNetwork:
		if st.Route != nil {
			return v.text("gateway " + st.Route.Gateway.String() + ", this PC " + st.Route.Local.String() + ", " + st.Route.Interface)
		}
	case daemon.StepRouter:
		if st.Router != nil {
			return protocolsOf(st.Router)
		}
	case daemon.StepInternet:
		return v.sources(st.PublicIP)
	case daemon.StepMapping:
		if m := p.Mapping; m != nil {
			return v.text(m.External + " leads to " + m.Internal)
		}
	case daemon.StepGame:
		if p.Game != nil && p.Game.Listening {
			return v.text(process(p.Game))
		} else if p.Game != nil {
			return "nobody on this port"
		}
	case daemon.StepOutside:
		if p.Outside != nil {
			return v.text(strings.TrimSpace(outsideWords(p.Outside) + " " + hostOf(p.Outside.Checker)))
		}
	}
	return ""
}

// line is one line of a table of facts; nothing where there is no fact.
func line(name string, fact h.Node) h.Node {
	if fact == nil || fact == h.Text("") {
		return nil
	}
	return h.E("div", h.E("dt", h.Text(name)), h.E("dd", fact))
}
