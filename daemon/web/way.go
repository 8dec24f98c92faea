package web

import (
	"cmp"
	"slices"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// place is one part of the way in from the opponent to the game.
type place struct {
	id, name string
	state    daemon.StepState
	words    string // instead of those of the state; may be ""
	facts    h.Node
}

// brokenPlace says in which place a diagnosis puts the fault. Those that know none blame the way as a
// whole: the opponent does not get through.
var brokenPlace = map[daemon.Code]string{
	daemon.NoNetwork: "pc", daemon.VPNInTheWay: "pc", daemon.PublicNetwork: "pc", daemon.FirewallBlocks: "pc",
	daemon.NoRouterAnswer: "router", daemon.MappingRefused: "router", daemon.PortTaken: "router", daemon.NotKept: "router",
	daemon.WrongLocalAddress: "router", daemon.NotForwarding: "router",
	daemon.NoInternet: "provider", daemon.DoubleNAT: "provider", daemon.CarrierNAT: "provider", daemon.PublicAddressDiffers: "provider",
	daemon.HostingElsewhere: "game", daemon.HostBusy: "game", daemon.HostStuck: "game", daemon.NobodyAnswers: "opponent",
}

// way draws the way in. Each place opens to its facts.
func (v viewer) way(id string, st *daemon.Status, p daemon.Port) h.Node {
	places := v.places(st, p)
	broken := slices.IndexFunc(places, func(a place) bool { return a.state == daemon.StepBroken })
	list := []h.Node{h.Class("places")}
	for i, a := range places {
		list = append(list, v.place(id, a, wires(i, broken, p)))
	}
	return card(id+"-way", "way", "The way in", h.E("ol", list...), h.E("p", h.Class("quiet"), h.Text("Choose a part to see its facts.")))
}

// wires are the classes of the two lines that lead into a place and out of it: on where packets get
// through, off behind the broken place, cut right before it, and maybe where nobody knows.
func wires(i, broken int, p daemon.Port) string {
	if broken < 0 && p.Code.Open() {
		return "in-on out-on"
	}
	in, out := "in-maybe", "out-maybe"
	switch {
	case broken < 0 || i < broken:
	case i == broken:
		in, out = "in-cut", "out-off"
	default:
		in, out = "in-off", "out-off"
	}
	return in + " " + out
}

func (v viewer) place(id string, a place, wires string) h.Node {
	class, words := stateOf(a.state)
	open := h.Node(nil)
	if a.state == daemon.StepBroken {
		open = h.A("open", "")
	}
	base := id + "-way-" + a.id
	return h.E("li", h.Class("s-"+class+" "+wires), h.A("data-place", a.id),
		h.E("details", h.A("name", id+"-way"), h.A("id", base+"-"+class), open,
			h.E("summary", h.A("id", base),
				h.E("svg", h.A("viewBox", "0 0 160 72"), h.A("preserveAspectRatio", "xMidYMid slice"), h.A("aria-hidden", "true"),
					h.Raw(`<path class="in wide" d="M0 36h46"/><path class="in tall" d="M80 0v7"/><path class="out wide" d="M114 36h46"/><path class="out tall" d="M80 65v7"/>`),
					h.E("use", h.Class("icon"), h.A("href", "#i-"+a.id), at("54", "10", "52")),
					h.E("use", h.Class("badge"), h.A("href", "#m-"+class), at("94", "44", "22"))),
				h.E("span", h.Class("name"), h.Text(a.name)), h.E("span", h.Class("state"), h.Text(cmp.Or(a.words, words)))),
			h.E("dl", h.Class("panel"), a.facts)))
}

// at is where a square picture stands.
func at(x, y, size string) h.Node {
	return h.All(h.A("x", x), h.A("y", y), h.A("width", size), h.A("height", size))
}

// places are the parts of the way, from the opponent to the game, with what is known about each.
func (v viewer) places(st *daemon.Status, p daemon.Port) []place {
	step := map[string]daemon.StepState{}
	for _, s := range p.Steps {
		step[s.ID] = s.State
	}
	pc, router := step[daemon.StepNetwork], step[daemon.StepRouter]
	outside, provider := step[daemon.StepOutside], step[daemon.StepInternet]
	if step[daemon.StepFirewall] == daemon.StepUnknown && outside != daemon.StepOK {
		pc = daemon.StepUnknown
	}
	if router == daemon.StepOK {
		router = step[daemon.StepMapping]
	}
	providers := "Provider"
	if p.Code == daemon.DoubleNAT || p.Mapping != nil && p.Mapping.Upstream != nil {
		providers = "Second router"
	}
	list := []place{
		{"opponent", "Opponent", outside, "", v.opponentFacts(p)},
		{"internet", "Internet", internetState(st, p), "", v.internetFacts(st, p)},
		{"provider", providers, provider, "", v.providerFacts(st, p)},
		{"router", "Router", router, "", v.routerFacts(st, p)},
		{"pc", "This PC", pc, "", v.pcFacts(st, p)},
		{"game", "Game", step[daemon.StepGame], "", v.gameFacts(p)},
	}
	for i := range list {
		a := &list[i]
		switch broken := brokenPlace[p.Code]; {
		case a.id == "opponent" && p.Outside != nil && p.Outside.CameIn:
			a.state = daemon.StepUnknown // the way in works; whether a game gets through, nobody has seen
		case a.id == broken:
			a.state = daemon.StepBroken
		case a.state == daemon.StepBroken && a.id == "opponent":
			a.state = daemon.StepSkipped // what stopped them is the broken place
		case a.state == daemon.StepBroken:
			a.state = daemon.StepUnknown
		}
		a.words = placeWords(*a, p)
	}
	return list
}

// placeWords are the words of a place where those of its state would say too little.
func placeWords(a place, p daemon.Port) string {
	switch {
	case a.state == daemon.StepBroken && a.id == "opponent":
		return "does not get in"
	case a.state != daemon.StepSkipped:
		return ""
	case a.id == "game" && p.Game != nil && !p.Game.Listening:
		return "nobody hosts"
	case a.id == "opponent" && (p.Outside == nil || p.Outside.State != "unreachable"):
		return "not tried"
	case a.id == "opponent":
		return "did not get in"
	case p.Verdict == daemon.NotReady:
		return "not reached"
	}
	return "by hand"
}

// internetState is good when anybody out there has answered us.
func internetState(st *daemon.Status, p daemon.Port) daemon.StepState {
	if o := p.Outside; o != nil && (o.State == "reachable" || o.State == "unreachable") {
		return daemon.StepOK
	}
	if a := st.PublicIP; a != nil && (a.Sources["stun"].IsValid() || a.Sources["http"].IsValid()) {
		return daemon.StepOK
	}
	return daemon.StepUnknown
}
