package firewall

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
)

// field is something of the packet that a rule looks at: it judges one value, which may be a name, a
// number or a prefix, or a range of such.
type field struct {
	value   func(string) answer              // nil: fixed
	prefix  func(netip.Prefix) answer        // of addresses
	between func(from, to netip.Addr) answer // of addresses
	span    func(from, to uint64) answer     // of numbers
	fixed   answer                           // whatever the value
	known   bool                             // fixed holds also for !=
}

// match judges {"op": "==", "left": ..., "right": ...}.
func (s *statement) match(body json.RawMessage) answer {
	var m struct {
		Op          string
		Left, Right json.RawMessage
	}
	if json.Unmarshal(body, &m) != nil {
		return maybe
	}
	f := s.field(m.Left)
	if f.value == nil && f.known {
		return f.fixed
	}
	switch m.Op {
	case "==", "in":
		return s.holds(f, m.Right, 0)
	case "!=":
		return not(s.holds(f, m.Right, 0))
	case "<", ">", "<=", ">=":
		return compare(f, m.Op, m.Right)
	}
	return maybe
}

func compare(f field, op string, right json.RawMessage) answer {
	n, err := strconv.ParseUint(text(right), 10, 32)
	if err != nil || f.span == nil {
		return maybe
	}
	switch op {
	case "<":
		if n == 0 {
			return no
		}
		return f.span(0, n-1)
	case "<=":
		return f.span(0, n)
	case ">":
		return f.span(n+1, 1<<32)
	}
	return f.span(n, 1<<32)
}

// field reads the left side of a condition.
func (s *statement) field(left json.RawMessage) field {
	kind, body := only(left)
	var of struct {
		Key, Protocol, Field, Result string
		Flags                        json.RawMessage
	}
	if kind == "" || json.Unmarshal(body, &of) != nil {
		return field{fixed: maybe}
	}
	p := s.r.packet
	switch kind {
	case "meta":
		return p.meta(of.Key)
	case "payload":
		return p.payload(of.Protocol, of.Field)
	case "ct":
		if of.Key == "state" || of.Key == "status" {
			return field{value: inState}
		}
	case "fib":
		if flags := words(of.Flags); of.Result == "type" && len(flags) == 1 && flags[0] == "daddr" {
			return named("local")
		}
	}
	return field{fixed: maybe}
}

func (p packet) meta(key string) field {
	switch key {
	case "l4proto":
		return field{value: p.isTransport}
	case "protocol":
		return named("ip", "0x0800", "2048", "8")
	case "nfproto":
		return named("ipv4", "2")
	case "iif", "iifname":
		return field{value: func(name string) answer { return p.onDevice(name, '*') }}
	case "pkttype":
		return named("host", "unicast", "0")
	}
	return field{fixed: maybe}
}

func (p packet) payload(protocol, name string) field {
	switch {
	case protocol == "ip6":
		return field{known: true, fixed: no}
	case protocol == "ip" && name == "protocol":
		return field{value: p.isTransport}
	case protocol == "ip" && name == "saddr":
		return field{prefix: fromStranger, between: strangerBetween, value: addressIn(fromStranger)}
	case protocol == "ip" && name == "daddr":
		return field{prefix: p.toUs, between: p.usBetween, value: addressIn(p.toUs)}
	case protocol == p.transport && name == "dport", protocol == "th" && name == "dport":
		return field{span: p.toPort, value: func(s string) answer {
			n, err := strconv.ParseUint(s, 10, 16)
			if err != nil {
				return maybe
			}
			return p.toPort(n, n)
		}}
	case protocol == p.transport:
		return field{fixed: maybe}
	}
	switch protocol { // a look at another protocol's header asks for that protocol, too
	case "udp", "tcp", "icmp", "icmpv6", "igmp", "sctp", "dccp", "udplite", "esp", "ah", "comp":
		return field{known: true, fixed: no}
	}
	return field{fixed: maybe}
}

func named(names ...string) field {
	return field{value: func(s string) answer {
		return anyOf(names, func(n string) answer { return truth(strings.EqualFold(n, s)) })
	}}
}

func addressIn(judge func(netip.Prefix) answer) func(string) answer {
	return func(s string) answer {
		if p, ok := prefixOf(s); ok {
			return judge(p)
		}
		return maybe
	}
}

// holds reports whether the field has the value, or one of the values, on the right side.
func (s *statement) holds(f field, right json.RawMessage, depth int) answer {
	if f.value == nil {
		return f.fixed
	}
	if depth > 4 {
		return maybe
	}
	var list []json.RawMessage
	if json.Unmarshal(right, &list) == nil {
		return s.holdsOne(f, list, depth)
	}
	switch kind, body := only(right); kind {
	case "set":
		return s.holdsOne(f, s.elements(right), depth)
	case "elem":
		var e struct{ Val json.RawMessage }
		if json.Unmarshal(body, &e) != nil {
			return maybe
		}
		return s.holds(f, e.Val, depth+1)
	case "prefix":
		var p struct {
			Addr netip.Addr
			Len  int
		}
		if json.Unmarshal(body, &p) != nil || f.prefix == nil {
			return maybe
		}
		return f.prefix(netip.PrefixFrom(p.Addr, p.Len))
	case "range":
		return holdsRange(f, body)
	case "":
		name := text(right)
		if strings.HasPrefix(name, "@") {
			return s.holdsOne(f, s.elements(right), depth)
		}
		if name == "*" { // the element of a map that stands for all others
			return maybe
		}
		return f.value(name)
	}
	return maybe
}

func (s *statement) holdsOne(f field, list []json.RawMessage, depth int) answer {
	best := no
	for _, e := range list {
		if best = max(best, s.holds(f, e, depth+1)); best == yes {
			break
		}
	}
	return best
}

func holdsRange(f field, body json.RawMessage) answer {
	var ends []json.RawMessage
	if json.Unmarshal(body, &ends) != nil || len(ends) != 2 {
		return maybe
	}
	if f.span != nil {
		from, err := strconv.ParseUint(text(ends[0]), 10, 32)
		to, err2 := strconv.ParseUint(text(ends[1]), 10, 32)
		if err == nil && err2 == nil {
			return f.span(from, to)
		}
	}
	if f.between != nil {
		from, err := netip.ParseAddr(text(ends[0]))
		to, err2 := netip.ParseAddr(text(ends[1]))
		if err == nil && err2 == nil {
			return f.between(from, to)
		}
	}
	return maybe
}

// elements lists {"set": [...]} or the named set "@name". One that is not listed may hold anything.
func (s *statement) elements(of json.RawMessage) []json.RawMessage {
	if kind, body := only(of); kind == "set" {
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil {
			return list
		}
		return []json.RawMessage{body} // a set of one may stand for itself
	}
	if set := s.r.sets[s.table+" "+strings.TrimPrefix(text(of), "@")]; set != nil {
		return set.Elem
	}
	return []json.RawMessage{json.RawMessage(`{"?":0}`)}
}

// only takes {"kind": body} apart; kind is "" for anything else.
func only(e json.RawMessage) (kind string, body json.RawMessage) {
	var m map[string]json.RawMessage
	if json.Unmarshal(e, &m) != nil || len(m) != 1 {
		return "", nil
	}
	for kind, body = range m {
	}
	return kind, body
}

// text is a string or number as text.
func text(e json.RawMessage) string {
	var s string
	if json.Unmarshal(e, &s) == nil {
		return s
	}
	return strings.TrimSpace(string(e))
}

// words is a string, or a list of such.
func words(e json.RawMessage) []string {
	var list []string
	if e != nil && json.Unmarshal(e, &list) != nil {
		return []string{text(e)}
	}
	return list
}
