package web

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// hero is what two seconds are enough for: the verdict on a port, the address to give away, and the
// one thing to do.
func (v viewer) hero(id string, p daemon.Port) h.Node {
	verdict := known(p.Verdict)
	parts := []h.Node{
		h.Class("hero v-" + string(verdict)), h.A("data-part", id), h.A("data-code", codeOf(p)), h.A("aria-labelledby", id+"-h"),
		h.E("div", h.Class("verdict"), mark("m-"+string(verdict)), h.E("div",
			h.E("p", h.Class("word"), h.E("strong", h.Text(verdictWords(p))), h.E("span", h.Text(v.text(p.Name)+" · "+door(p)))),
			h.E("h2", h.A("id", id+"-h"), v.t(v.withoutAddress(p.Headline, p))))),
	}
	if p.Address != "" {
		parts = append(parts, v.offer(id, p))
	}
	parts = append(parts, v.todo(p), v.takeOver(id, p), v.check(id, p))
	if verdict == daemon.Reachable || verdict == daemon.Ready {
		parts = append(parts, cannotJoin(id))
	}
	return h.E("section", parts...)
}

// verdictWords are the verdict in words, more closely where its usual words would mislead.
func verdictWords(p daemon.Port) string {
	switch p.Code {
	case daemon.Stopped:
		return "Stopped"
	case daemon.AddressUnknown:
		return "Address not known"
	case daemon.HostStuck, daemon.HostBusy: // somebody may be playing
		return "Nobody else gets in now"
	}
	return signOf(p.Verdict).Words
}

// withoutAddress is a headline whose address is hidden anyway, in words.
func (v viewer) withoutAddress(headline string, p daemon.Port) string {
	if !v.hidden || p.Address == "" {
		return headline
	}
	return strings.ReplaceAll(headline, p.Address, "this address")
}

// offer is the address in large type, and what is done with it.
func (v viewer) offer(id string, p daemon.Port) h.Node {
	shown := h.Node(v.t(p.Address))
	if v.text(p.Address) != text(p.Address) {
		shown = h.All(h.E("span", h.A("aria-hidden", "true"), shown), h.E("span", h.Class("unseen"), h.Text("The address is hidden.")))
	}
	toggle := h.Node(nil)
	if v.canHide {
		other, word := v, "Hide"
		if other.hidden = !v.hidden; v.hidden {
			word = "Show"
		}
		toggle = h.E("a", h.Class("button"), h.A("id", id+"-show"), h.A("data-swap", ""), h.A("href", other.link("/")),
			h.Text(word), h.E("span", h.Class("unseen"), h.Text(" the address")))
	}
	return h.E("div", h.Class("offer"),
		h.E("p", h.Class("label"), h.Text(offer(p))),
		h.E("p", h.Class("address"), shown),
		h.E("p", h.Class("buttons"),
			h.E("button", h.Class("main scripted"), h.A("id", id+"-copy"), h.A("data-copy", text(p.Address)), h.A("data-port", text(p.Name)), h.Text("Copy")),
			toggle),
		h.E("p", h.Class("trust"),
			h.E("strong", h.Class("changed"), h.A("hidden", ""), h.Text("It has changed since you last copied it. ")),
			h.Text("Share it only with people you trust.")))
}

// offer says what an address is worth.
func offer(p daemon.Port) string {
	switch {
	case p.Code.Open():
		return "Give your opponent this address"
	case p.Verdict == daemon.NotReady:
		return "This address does not work now"
	}
	return "Your address, not confirmed yet"
}

// todo is the one next step, and where to read more.
func (v viewer) todo(p daemon.Port) h.Node {
	if p.NextStep == "" {
		return nil
	}
	title := "Next step"
	switch p.Verdict {
	case daemon.NotReady:
		title = "Do this now"
	case daemon.Ready, daemon.Reachable:
		title = "Good to know"
	}
	return h.E("p", h.Class("todo"), h.E("strong", h.Text(title)), h.Text(" "), linked(v.text(p.NextStep)), h.Text(" "),
		h.E("a", h.Class("more"), h.A("href", "/help#"+codeOf(p)), h.Text("More about this")))
}

// linked is text in which the address of a router of this home can be clicked.
func linked(s string) h.Node {
	var out []h.Node
	for {
		at := strings.Index(s, "http://")
		if at < 0 {
			return h.All(append(out, h.Text(s))...)
		}
		begin := at + len("http://")
		end := begin
		for end < len(s) && partOfAddress(rune(s[end])) {
			end++
		}
		host := strings.TrimRight(s[begin:end], ".:")
		out = append(out, h.Text(s[:at]))
		if a, err := netip.ParseAddr(host); err == nil && a.IsPrivate() {
			out = append(out, h.E("a", h.A("href", "http://"+host), h.Text("http://"+host)))
		} else {
			out = append(out, h.Text("http://"+host))
		}
		s = s[begin+len(host):]
	}
}

// takeOver is the button that takes the port over from another device.
func (v viewer) takeOver(id string, p daemon.Port) h.Node {
	if p.Code != daemon.OtherExternalPort && p.Code != daemon.PortTaken {
		return nil
	}
	return h.E("form", h.Class("check"), h.A("data-form", "takeover"), post(v.link("/api/v1/takeover", "port", p.Name)),
		h.E("button", h.A("id", id+"-takeover"), h.Text("Take the port over")),
		h.E("p", h.Class("age"), h.Text("The other device loses it: nobody can join there until it asks again.")))
}

const hostingQuestion = "Somebody is hosting on this port. The check shows up in that window as a player who comes and leaves, " +
	"and can, rarely, throw an opponent out. Better check before anybody joins."

func checking(p daemon.Port) bool { return p.Outside != nil && p.Outside.State == "checking" }

// check is the form that begins a check from outside, or what the one under way is doing. They share
// a name, so that the focus goes from one to the other.
func (v viewer) check(id string, p daemon.Port) h.Node {
	name := h.A("id", id+"-check")
	if p.Outside == nil || p.Transport == "tcp" || p.Code == daemon.NoNetwork || p.Code == daemon.Stopped {
		return nil
	}
	if checking(p) {
		return v.progress(name, p.Outside)
	}
	if v.ask == p.Name {
		return h.E("form", h.Class("check asks"), h.A("data-form", "check"), post(v.link("/api/v1/check", "port", p.Name, "while_hosting", "1")),
			h.E("p", h.Text(hostingQuestion)), h.E("button", name, h.Text("Check all the same")),
			h.E("a", h.Class("button"), h.A("data-swap", ""), h.A("href", v.link("/")), h.Text("Leave it")))
	}
	return h.E("form", h.Class("check"), h.A("data-form", "check"), post(v.link("/api/v1/check", "port", p.Name)),
		h.E("button", name, h.Text("Check from outside")),
		h.E("p", h.Class("age"), h.Text("A computer on the internet knocks at the port. "), v.lastCheck(p.Outside)))
}

// progress says which try asks which checker, and for how long.
func (v viewer) progress(name h.Node, o *daemon.Outside) h.Node {
	words := v.text(o.Detail)
	if host := hostOf(o.Checker); host != "" {
		words += " · asking " + v.text(host)
	}
	took := h.Node(nil)
	if m := momentAt(o.Since, v.now); m != nil {
		took = h.All(h.Text(" · "), h.E("time", h.A("datetime", m.ISO), h.A("data-count", ""), h.Text(span(v.now.Sub(*o.Since)))))
	}
	return h.E("p", h.Class("checking"), name, h.A("tabindex", "-1"), mark("m-checking"), h.E("span", h.Text("Checking from outside: "+words), took))
}

// lastCheck says how old the word from outside is.
func (v viewer) lastCheck(o *daemon.Outside) h.Node {
	at := momentAt(o.At, v.now).node()
	switch {
	case at == nil:
		return h.Text("Not checked from outside yet")
	case o.State == "reachable" && o.AnsweredBy == "game":
		return h.All(h.Text("Checked "), at, h.Text(": the game answered"))
	case o.State == "reachable":
		return h.All(h.Text("Checked "), at, h.Text(": Portsitter answered in place of the game"))
	case o.CameIn:
		return h.All(h.Text("Checked "), at, h.Text(": it came in, but the answer got lost"))
	case o.State == "unreachable":
		return h.All(h.Text("Checked "), at, h.Text(": nothing came in"))
	case o.State == "checker-failed":
		return h.All(h.Text("The last check, "), at, h.Text(", could not be made"))
	}
	return h.All(h.Text("Last checked "), at, h.Text(", before the last change"))
}

// hostOf is the host of a URL; what is none stays as it is.
func hostOf(s string) string {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		return u.Host
	}
	return s
}

// cannotJoin is what to try when everything is right and the opponent still does not come in.
func cannotJoin(id string) h.Node {
	return h.E("details", h.Class("cannot"), h.A("id", id+"-cannot"),
		h.E("summary", h.A("id", id+"-cannot-more"), h.Text("It is green, and my opponent still cannot join")),
		h.E("ol",
			h.E("li", h.Text("Start hosting before your opponent connects.")),
			h.E("li", h.Text("Their Peer IP field has to hold exactly this address, with the port.")),
			h.E("li", h.Text("Both sides need the same emulator and the same version of the game.")),
			h.E("li", h.Text("Stop hosting, then host again: a host that somebody has half joined answers nobody.")),
			h.E("li", h.Text("Restart both emulators."))),
		h.E("p", h.Class("quiet"), h.Text("A check says nothing about lag. Autopunch P2P needs no open port at all: for that, it does not matter what this page says.")))
}
