package firewall

import (
	"encoding/json"
	"fmt"
	"slices"
)

// This file reads what `nft -j list ruleset` prints (libnftables-json(5)) for one packet.

// nftObject is one of the things that nft lists; the others are left nil.
type nftObject struct {
	Table *struct {
		Family, Name string
		Flags        json.RawMessage
	}
	Chain *struct {
		Family, Table, Name, Type, Hook, Policy string
		Dev                                     json.RawMessage
	}
	Rule *struct {
		Family, Table, Chain, Comment string
		Handle                        int
		Expr                          []json.RawMessage
	}
	Set, Map *nftSet
}

// nftSet is a named set, or a map from values to verdicts.
type nftSet struct {
	Family, Table, Name string
	Elem                []json.RawMessage
}

// nftReader gathers a ruleset.
type nftReader struct {
	packet packet
	rules  ruleset
	sets   map[string]*nftSet // by family, table and name
	asleep map[string]bool    // tables that are switched off
	alien  map[string]bool    // tables with rules that nft does not understand itself: those of iptables
}

// parseNFT reads a listing. alien names the tables that hold rules which only iptables can tell.
func parseNFT(listing []byte, p packet) (rs ruleset, alien map[string]bool, err error) {
	var all struct{ Nftables []nftObject }
	if err := json.Unmarshal(listing, &all); err != nil {
		return nil, nil, fmt.Errorf("the listing of nft cannot be read: %w", err)
	}
	if all.Nftables == nil {
		return nil, nil, fmt.Errorf("the listing of nft has no list in it")
	}
	r := nftReader{packet: p, rules: ruleset{}, sets: map[string]*nftSet{}, asleep: map[string]bool{}, alien: map[string]bool{}}
	for _, o := range all.Nftables { // sets may be listed after the chains, and are needed for the rules
		switch {
		case o.Table != nil:
			r.asleep[o.Table.Family+" "+o.Table.Name] = slices.Contains(words(o.Table.Flags), "dormant")
		case o.Set != nil:
			r.sets[o.Set.Family+" "+o.Set.Table+" "+o.Set.Name] = o.Set
		case o.Map != nil:
			r.sets[o.Map.Family+" "+o.Map.Table+" "+o.Map.Name] = o.Map
		}
	}
	for _, o := range all.Nftables {
		if o.Chain != nil {
			r.chain(o)
		}
	}
	for _, o := range all.Nftables {
		if o.Rule != nil {
			r.rule(o)
		}
	}
	return r.rules, r.alien, nil
}

func (r *nftReader) chain(o nftObject) {
	c := o.Chain
	table := c.Family + " " + c.Table
	if c.Family != "ip" && c.Family != "inet" && c.Family != "netdev" || r.asleep[table] {
		return
	}
	way := map[string]bool{"prerouting": true, "input": true, "ingress": true}[c.Hook]
	if c.Hook == "ingress" && c.Dev != nil && anyOf(words(c.Dev), r.device) == no {
		way = false
	}
	name := table + " " + c.Name
	r.rules[name] = &chain{name: name, base: way, policy: accepted}
	if c.Policy == "drop" {
		r.rules[name].policy = dropped
	}
}

func (r *nftReader) device(name string) answer { return r.packet.onDevice(name, '*') }

func (r *nftReader) rule(o nftObject) {
	in := r.rules[o.Rule.Family+" "+o.Rule.Table+" "+o.Rule.Chain]
	if in == nil {
		return
	}
	text := fmt.Sprintf("%s, rule %d", in.name, o.Rule.Handle)
	if o.Rule.Comment != "" {
		text += fmt.Sprintf(" %q", o.Rule.Comment)
	}
	s := statement{r: r, table: o.Rule.Family + " " + o.Rule.Table, when: yes, text: text}
	for _, e := range o.Rule.Expr {
		if s.take(e); s.when == no {
			break
		}
	}
	in.rules = append(in.rules, s.rules...)
}

// statement is a rule under way: its conditions so far, and what it does.
type statement struct {
	r     *nftReader
	table string
	when  answer
	rules []rule
	text  string
}

// take reads one expression of a rule.
func (s *statement) take(e json.RawMessage) {
	kind, body := only(e)
	switch kind {
	case "match":
		s.when = both(s.when, s.match(body))
	case "limit", "quota", "meter", "connlimit", "ct count", "sec mark":
		s.when = both(s.when, maybe)
	case "counter", "log", "mangle", "notrack", "set", "map", "ct helper", "ct timeout", "ct expectation", "last", "flow",
		"continue", "snat", "masquerade", "comment", "dup", "secmark":
	case "vmap":
		s.vmap(body)
	case "xt":
		s.r.alien[s.table] = true
		s.when = both(s.when, maybe)
		s.does(anything)
	default:
		s.verdict(yes, kind, body)
	}
}

// verdict notes what a rule does, as far as its last condition lets it.
func (s *statement) verdict(when answer, kind string, body json.RawMessage) {
	r := rule{when: both(s.when, when), text: s.text}
	switch kind {
	case "accept":
		r.does = accepted
	case "drop", "reject":
		r.does = dropped
	case "return":
		r.does = returned
	case "continue":
		return
	case "jump", "goto":
		var to struct{ Target string }
		if json.Unmarshal(body, &to) != nil || to.Target == "" {
			r.does = anything
			break
		}
		r.target, r.goesTo = s.table+" "+to.Target, kind == "goto"
	default: // queue, dnat, redirect, tproxy, synproxy, fwd, and what is yet to come
		r.does = anything
	}
	s.rules = append(s.rules, r)
}

func (s *statement) does(o outcome) {
	s.rules = append(s.rules, rule{when: s.when, does: o, text: s.text})
}

// vmap reads a map from values to verdicts: of one value at most one element holds.
func (s *statement) vmap(body json.RawMessage) {
	var m struct{ Key, Data json.RawMessage }
	if json.Unmarshal(body, &m) != nil {
		s.when = both(s.when, maybe)
		s.does(anything)
		return
	}
	key := s.field(m.Key)
	for _, e := range s.elements(m.Data) {
		var pair []json.RawMessage
		if json.Unmarshal(e, &pair) != nil || len(pair) != 2 {
			s.verdict(maybe, "", nil)
			continue
		}
		if when := s.holds(key, pair[0], 0); when != no {
			kind, what := only(pair[1])
			s.verdict(when, kind, what)
		}
	}
}
