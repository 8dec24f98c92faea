package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// This file has the facts about each place of the way in: all there is to know, for those who want to.

// fact is a line of text from the status.
func (v viewer) fact(name, text string) h.Node { return line(name, v.t(text)) }

func (v viewer) opponentFacts(p daemon.Port) h.Node {
	facts := []h.Node{v.fact("Types as Peer IP", p.Address)}
	if o := p.Outside; o != nil {
		facts = append(facts, line("Seen from there", h.Text(v.text(outsideWords(o)))), line("Checked", momentAt(o.At, v.now).node()),
			v.fact("Answered by", strings.ReplaceAll(o.AnsweredBy, "stand-in", "Portsitter's stand-in")))
	}
	return h.All(append(facts, line("Comes in by", h.Text(door(p))))...)
}

// outsideWords says what a check from outside came to.
func outsideWords(o *daemon.Outside) string {
	switch o.State {
	case "reachable":
		return "A stranger's packet came in"
	case "unreachable":
		if o.CameIn {
			return "It came in, but the answer got lost"
		}
		return "Nothing came in"
	case "checker-failed":
		return "The checker could not be asked"
	case "not-checked":
		return "Not checked yet"
	case "checking":
		return "Checking now"
	}
	return text(o.State)
}

func (v viewer) internetFacts(st *daemon.Status, p daemon.Port) h.Node {
	var facts []h.Node
	if o := p.Outside; o != nil {
		facts = append(facts, v.fact("Checker", hostOf(o.Checker)), v.fact("It said", o.Detail))
	}
	if a := st.PublicIP; a != nil {
		for _, source := range []string{"stun", "http"} {
			if addr := a.Sources[source]; addr.IsValid() {
				facts = append(facts, v.fact(sourceName(source)+" says", addr.String()))
			}
		}
	}
	if len(facts) == 0 {
		facts = append(facts, line("Heard from", h.Text("nobody yet")))
	}
	return h.All(facts...)
}

func sourceName(source string) string {
	switch source {
	case "router":
		return "The router"
	case "stun":
		return "STUN"
	case "http":
		return "get-ip"
	}
	return text(source)
}

// sources is who says which public address.
func (v viewer) sources(p *daemon.PublicIP) string {
	if p == nil {
		return ""
	}
	var said []string
	for _, source := range slices.Sorted(maps.Keys(p.Sources)) {
		said = append(said, v.text(sourceName(source)+" "+p.Sources[source].String()))
	}
	return strings.Join(said, ", ")
}

func (v viewer) providerFacts(st *daemon.Status, p daemon.Port) h.Node {
	var facts []h.Node
	if a := st.PublicIP; a != nil {
		kinds := map[string]string{
			"public": "public", "private": "private: there is another router in front",
			"carrier-nat": "carrier NAT: the provider shares one address", "other": "none that others can reach",
		}
		facts = append(facts, v.fact("Public address", a.Address.String()), v.fact("Kind", cmp.Or(kinds[a.Kind], a.Kind)),
			line("Since", momentOf(a.Since, v.now).node()))
	}
	if r := st.Router; r != nil && r.ExternalIP != nil {
		facts = append(facts, v.fact("Your router has", r.ExternalIP.String()))
	}
	if m := p.Mapping; m != nil && m.Upstream != nil {
		facts = append(facts, v.fact("Second router", m.Upstream.Gateway.String()),
			v.fact("It opens", m.Upstream.External+" ("+protocolName(m.Upstream.Protocol)+")"))
	}
	if len(facts) == 0 {
		facts = append(facts, line("Public address", h.Text("not known yet")))
	}
	return h.All(facts...)
}

func (v viewer) routerFacts(st *daemon.Status, p daemon.Port) h.Node {
	var facts []h.Node
	if r := st.Route; r != nil {
		facts = append(facts, v.fact("Address", r.Gateway.String()))
	}
	if r := st.Router; r != nil {
		facts = append(facts, v.fact("Name", r.Name), line("Answers", h.Text(protocolsOf(r))), line("Started", momentAt(r.BootedAt, v.now).node()))
	}
	if m := p.Mapping; m != nil {
		facts = append(facts, v.mapping(m))
	} else {
		facts = append(facts, line("Entry", h.Text("none for this port")))
	}
	return h.All(facts...)
}

// protocolsOf lists what the router answers.
func protocolsOf(r *daemon.Router) string {
	names := make([]string, len(r.Protocols))
	for i, p := range r.Protocols {
		names[i] = protocolName(p)
	}
	return cmp.Or(strings.Join(names, ", "), "nothing we speak")
}

func (v viewer) mapping(m *daemon.Mapping) h.Node {
	external := m.External
	if port, ok := strings.CutPrefix(external, ":"); ok { // the router did not tell its address
		external = "port " + port
	}
	owners := map[string]string{"ours": "Portsitter", "other": "another device", "manual": "by hand"}
	lease := h.All(h.Text(span(seconds(m.Lease))+", ends "), momentAt(m.Expires, v.now).node())
	switch {
	case m.Expires == nil && m.Lease == 0:
		lease = h.Text("permanent")
	case m.Expires == nil:
		lease = h.Text(span(seconds(m.Lease)))
	}
	verified := momentAt(m.Verified, v.now).node()
	if verified == nil {
		verified = h.Text("not yet")
	}
	return h.All(v.fact("Opens", external), v.fact("Leads to", m.Internal), v.fact("Held by", m.Holder),
		v.fact("Made by", cmp.Or(owners[m.Owner], m.Owner)), line("Protocol", h.Text(protocolName(m.Protocol))),
		line("Lease", lease), line("Last read back", verified))
}

func (v viewer) pcFacts(st *daemon.Status, p daemon.Port) h.Node {
	facts := []h.Node{line("Way out", h.Text("none"))}
	if r := st.Route; r != nil {
		facts = []h.Node{v.fact("Address", r.Local.String()), v.fact("Interface", r.Interface), v.fact("Gateway", r.Gateway.String())}
		for _, c := range r.Candidates {
			if c.Rejected != "" {
				facts = append(facts, v.fact("Not taken", c.Interface+" by "+c.Gateway.String()+": "+c.Rejected))
			}
		}
	}
	for _, s := range p.Steps {
		if s.ID == daemon.StepFirewall {
			facts = append(facts, v.fact("Firewall", s.Summary))
		}
	}
	return h.All(facts...)
}

func (v viewer) gameFacts(p daemon.Port) h.Node {
	hosting := "not looked at yet"
	if g := p.Game; g != nil && g.Listening {
		hosting = process(g)
	} else if g != nil {
		hosting = "nobody on this port"
	}
	return h.All(v.fact("Hosting now", hosting), line("Port", h.Text(door(p))))
}

// seconds is a count from the status as a duration, without running over.
func seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), 1<<32)) * time.Second
}

// momentAt is momentOf for a time that may be absent.
func momentAt(t *time.Time, now time.Time) *moment {
	if t == nil {
		return nil
	}
	return momentOf(*t, now)
}
