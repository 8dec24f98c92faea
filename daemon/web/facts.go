package web

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// portFacts are the facts beside one port's ladder.
func (v viewer) portFacts(id string, p daemon.Port) []group {
	var out []group
	if m := p.Mapping; m != nil {
		out = append(out, group{id + "-mapping", "Port mapping", v.mapping(m)})
	}
	if g := p.Game; g != nil {
		who := "Nobody"
		if g.Listening {
			who = v.text(process(g))
		}
		out = append(out, group{id + "-game", "Game", []row{{Name: "Hosting now", Text: who}}})
	}
	if o := p.Outside; o != nil {
		out = append(out, group{id + "-outside", "Check from outside", v.outside(o)})
	}
	return out
}

func (v viewer) mapping(m *daemon.Mapping) []row {
	external := m.External
	if port, ok := strings.CutPrefix(external, ":"); ok { // the router did not tell its address
		external = "port " + port
	}
	rows := []row{
		{Name: "Opens", Text: v.text(external)},
		{Name: "Leads to", Text: v.text(m.Internal)},
	}
	if m.Holder != "" {
		rows = append(rows, row{Name: "Held by", Text: v.text(m.Holder)})
	}
	owners := map[string]string{"ours": "Portsitter", "other": "another device", "manual": "by hand"}
	owner, ok := owners[m.Owner]
	if !ok {
		owner = v.text(m.Owner)
	}
	rows = append(rows, row{Name: "Made by", Text: owner}, row{Name: "Protocol", Text: protocolName(m.Protocol)})
	switch {
	case m.Expires != nil:
		rows = append(rows, row{Name: "Lease", Text: span(seconds(m.Lease)) + ", ends", Time: momentAt(m.Expires, v.now)})
	case m.Lease == 0:
		rows = append(rows, row{Name: "Lease", Text: "permanent"})
	default:
		rows = append(rows, row{Name: "Lease", Text: span(seconds(m.Lease))})
	}
	if m.Verified != nil {
		return append(rows, row{Name: "Last read back", Time: momentAt(m.Verified, v.now)})
	}
	return append(rows, row{Name: "Last read back", Text: "not yet"})
}

func (v viewer) outside(o *daemon.Outside) []row {
	states := map[string]string{
		"reachable": "A stranger's packet came in", "unreachable": "Nothing came in",
		"checker-failed": "The checker could not be asked", "not-checked": "Not checked yet", "checking": "Checking now",
	}
	state, ok := states[o.State]
	if !ok {
		state = v.text(o.State)
	}
	rows := []row{{Name: "Result", Text: state}}
	if o.At != nil {
		rows = append(rows, row{Name: "Checked", Time: momentAt(o.At, v.now)})
	}
	for _, r := range []row{
		{Name: "Answered by", Text: v.text(strings.ReplaceAll(o.AnsweredBy, "stand-in", "Portsitter's stand-in"))},
		{Name: "Checker", Text: v.text(o.Checker)},
		{Name: "It said", Text: v.text(o.Detail)},
	} {
		if r.Text != "" {
			rows = append(rows, r)
		}
	}
	return rows
}

// home are the facts about this home, which all ports share.
func (v viewer) home(st *daemon.Status) []group {
	var out []group
	if r := st.Route; r != nil {
		out = append(out, group{"route", "The way out", v.route(r)})
	}
	if r := st.Router; r != nil {
		out = append(out, group{"router", "The router", v.router(r)})
	}
	if p := st.PublicIP; p != nil {
		out = append(out, group{"public", "Public address", v.publicIP(p)})
	}
	return out
}

func (v viewer) route(r *daemon.Route) []row {
	rows := []row{
		{Name: "This PC", Text: v.text(r.Local.String())},
		{Name: "Gateway", Text: v.text(r.Gateway.String())},
		{Name: "Interface", Text: v.text(r.Interface)},
	}
	for _, c := range r.Candidates {
		if c.Rejected != "" {
			rows = append(rows, row{Name: "Not taken", Text: v.text(c.Interface + " by " + c.Gateway.String() + ": " + c.Rejected)})
		}
	}
	return rows
}

func (v viewer) router(r *daemon.Router) []row {
	var rows []row
	if r.Name != "" {
		rows = append(rows, row{Name: "Name", Text: v.text(r.Name)})
	}
	names := make([]string, len(r.Protocols))
	for i, p := range r.Protocols {
		names[i] = protocolName(p)
	}
	if len(names) == 0 {
		names = []string{"nothing we speak"}
	}
	rows = append(rows, row{Name: "Answers", Text: strings.Join(names, ", ")})
	if r.ExternalIP != nil {
		rows = append(rows, row{Name: "Outer address", Text: v.text(r.ExternalIP.String())})
	}
	if r.BootedAt != nil {
		rows = append(rows, row{Name: "Started", Time: momentAt(r.BootedAt, v.now)})
	}
	return rows
}

func (v viewer) publicIP(p *daemon.PublicIP) []row {
	kinds := map[string]string{
		"public": "public: others can reach it", "private": "private: there is another router in front",
		"carrier-nat": "carrier NAT: the provider shares one address", "other": "none that others can reach",
	}
	kind, ok := kinds[p.Kind]
	if !ok {
		kind = v.text(p.Kind)
	}
	rows := []row{{Name: "Address", Text: v.text(p.Address.String())}, {Name: "Kind", Text: kind}}
	if m := momentOf(p.Since, v.now); m != nil {
		rows = append(rows, row{Name: "Since", Time: m})
	}
	names := map[string]string{"router": "The router says", "stun": "STUN says", "http": "get-ip says"}
	for _, source := range slices.Sorted(maps.Keys(p.Sources)) {
		name, ok := names[source]
		if !ok {
			name = v.text(source)
		}
		rows = append(rows, row{Name: name, Text: v.text(p.Sources[source].String())})
	}
	return rows
}

// momentAt is momentOf for a time that may be absent.
func momentAt(t *time.Time, now time.Time) *moment {
	if t == nil {
		return nil
	}
	return momentOf(*t, now)
}
