package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// viewer is how somebody looks at the page.
type viewer struct {
	now     time.Time
	canHide bool   // addresses are hidden until asked for
	hidden  bool   // and they were not
	view    string // name of the port to show whole; "" = the one that needs it most
	ask     string // name of the port whose check needs a person's word
	several bool   // there is more than one port
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

// t is text from the status as a piece of the page.
func (v viewer) t(s string) h.Node { return h.Text(v.text(s)) }

// main is all that changes while somebody looks. Each piece with data-part is replaced by itself when
// it has changed.
func (v viewer) main(st *daemon.Status, s Sitter, demo bool) h.Node {
	parts := []h.Node{h.A("id", "main"), h.A("data-now", strconv.FormatInt(v.now.UnixMilli(), 10))}
	if demo {
		parts = append(parts, v.demo(st.Notices))
	}
	if v.several {
		parts = append(parts, v.ports(st))
	}
	i := v.chosen(st)
	if i < 0 {
		parts = append(parts, h.E("section", h.Class("hero v-unknown"), h.A("data-part", "none"),
			h.E("h2", h.Text("No port is configured"))))
	} else {
		id, p := "p"+strconv.Itoa(i), st.Ports[i]
		parts = append(parts, v.hero(id, p), v.way(id, st, p), h.E("div", h.Class("columns"),
			h.E("div", h.Class("stack"), v.ladder(id, st, p), v.next(st)),
			h.E("div", h.Class("stack"), v.days(id, p.Name, s.Days()), v.help(p))))
	}
	parts = append(parts, v.notices(st.Notices), v.timeline(st, s.History()), v.talks(s.Contacts()))
	return h.E("main", parts...)
}

// chosen is the port that is shown whole: the one asked for, or else the first of those that are
// furthest from being reachable. -1: there is none.
func (v viewer) chosen(st *daemon.Status) int {
	if i := slices.IndexFunc(st.Ports, func(p daemon.Port) bool { return p.Name == v.view }); i >= 0 {
		return i
	}
	return slices.IndexFunc(st.Ports, func(p daemon.Port) bool { return known(p.Verdict) == worst(st) })
}

// ports lists every configured port, each with a way to see it whole.
func (v viewer) ports(st *daemon.Status) h.Node {
	list := []h.Node{}
	for i, p := range st.Ports {
		look, current := signOf(p.Verdict), h.Node(nil)
		if i == v.chosen(st) {
			current = h.A("aria-current", "true")
		}
		one := v
		one.view = p.Name
		list = append(list, h.E("li", h.Class("v-"+string(known(p.Verdict))),
			h.E("a", h.A("data-swap", ""), h.A("href", one.link("/")), current, mark("m-"+string(known(p.Verdict))),
				h.E("strong", v.t(p.Name)), h.E("span", h.Text(door(p))), h.E("span", h.Class("word"), h.Text(look.Words)))))
	}
	return h.E("section", h.Class("card ports"), h.A("data-part", "ports"), h.A("aria-labelledby", "ports-h"),
		h.E("h2", h.A("id", "ports-h"), h.Text("Ports")), h.E("ul", list...))
}

// door is a port as people write it: UDP 27886.
func door(p daemon.Port) string { return transportName(p.Transport) + " " + strconv.Itoa(int(p.Port)) }

// card is a section with a heading of its own. Its part's name is its id, too.
func card(id, class, title string, parts ...h.Node) h.Node {
	return h.E("section", append([]h.Node{h.Class("card " + class), h.A("data-part", id), h.A("aria-labelledby", id+"-h"),
		h.E("h3", h.A("id", id+"-h"), h.Text(title))}, parts...)...)
}

// mark is a sign of the sprite in page.html. What it means stands beside it in words.
func mark(name string) h.Node {
	return h.E("svg", h.Class("mark"), h.A("aria-hidden", "true"), h.E("use", h.A("href", "#"+name)))
}

// demo says that nothing is real, and what has to be done for a demo's fault to show: a notice about the
// demo has to be read first, all others last.
func (v viewer) demo(notices []string) h.Node {
	parts := []h.Node{h.Class("demo"), h.A("data-part", "demo"),
		h.E("strong", h.Text("This is a demo:")), h.Text(" a home in software. Nothing here touches your router.")}
	for _, n := range notices {
		if hint, about := strings.CutPrefix(n, aboutDemo); about {
			parts = append(parts, h.Text(" "), v.t(hint), h.Text("."))
		}
	}
	return h.E("p", parts...)
}

// aboutDemo begins a notice about the demo itself.
const aboutDemo = "Demo: "

func (v viewer) notices(notices []string) h.Node {
	list := []h.Node{}
	for _, n := range notices {
		if !strings.HasPrefix(n, aboutDemo) {
			list = append(list, h.E("li", v.t(n)))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return card("notices", "notices", "Portsitter says of itself", h.E("ul", list...))
}

func (v viewer) next(st *daemon.Status) h.Node {
	n := st.Next
	if n == nil {
		return nil
	}
	what := v.text(n.What)
	if what != "" {
		what = strings.ToUpper(what[:1]) + what[1:]
	}
	return card("next", "next", "What happens next", h.E("p", h.Text(what+" "), momentOf(n.At, v.now).node()))
}

func (v viewer) started(t time.Time) h.Node {
	m := momentOf(t, v.now)
	if m == nil {
		return nil
	}
	return h.All(h.Text(" · started "), m.node())
}

// help is for whoever the page could not help.
func (v viewer) help(p daemon.Port) h.Node {
	return card("help", "help", "Need help?",
		h.E("p", h.Text("The support text tells others what they need to help you, with addresses masked.")),
		h.E("p", h.Class("buttons"),
			h.E("a", h.Class("button"), h.A("id", "support"), h.A("href", "/api/v1/support"),
				h.E("span", h.Class("scripted"), h.Text("Copy support text")), h.E("span", h.Class("unscripted"), h.Text("Support text"))),
			h.E("a", h.Class("button"), h.A("id", "explain"), h.A("href", "/help#"+codeOf(p)), h.Text("What each message means"))))
}

// codeOf is a code fit to stand in an address.
func codeOf(p daemon.Port) string {
	for _, r := range p.Code {
		if r != '-' && (r < 'a' || r > 'z') {
			return ""
		}
	}
	return string(p.Code)
}

// talks says whom the program talks to, and how to stop it.
func (v viewer) talks(contacts []daemon.Contact) h.Node {
	list := []h.Node{}
	for _, c := range contacts {
		off := h.Node(nil)
		if c.Off != "" {
			off = h.E("span", h.Class("quiet"), h.Text("Switch it off: "+text(c.Off)))
		}
		list = append(list, h.E("li", h.E("strong", h.Text(text(c.Whom))), h.E("span", h.Text(text(c.Why)+", "+text(c.When)+".")), off))
	}
	return h.E("details", h.Class("card talks"), h.A("data-part", "talks"), h.A("id", "talks"),
		h.E("summary", h.A("id", "talks-more"), h.E("h3", h.Text("What this talks to"))), h.E("ul", list...),
		h.E("p", h.Class("quiet"), h.Text("Nobody else, but the name servers that are asked for these names. This page loads nothing from anywhere.")))
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
	pid := ""
	if g.PID != 0 {
		pid = "pid " + strconv.Itoa(g.PID)
	}
	switch name := text(g.Process); {
	case name != "" && pid != "":
		return name + " (" + pid + ")"
	case name != "":
		return name
	}
	return cmp.Or(pid, "a program the system does not name")
}
