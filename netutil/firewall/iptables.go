package firewall

import (
	"fmt"
	"strings"
)

// This file reads what iptables-save prints for one packet. The format is the command line of
// iptables(8), with all that extensions add to it (iptables-extensions(8)).

// parseIPTables reads a listing. Its tables are named, so that nft's view of them can be left out.
func parseIPTables(listing string, p packet) (rs ruleset, tables map[string]bool, err error) {
	rs, tables = ruleset{}, map[string]bool{}
	table := ""
	for n, line := range strings.Split(listing, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '*':
			table = line[1:]
			tables[table] = true
		case line == "COMMIT":
			table = ""
		case table == "":
			return nil, nil, fmt.Errorf("iptables-save, line %d: a rule outside of any table", n+1)
		case line[0] == ':':
			rs.declare(table, line[1:])
		default:
			rs.add(table, line, p)
		}
	}
	return rs, tables, nil
}

// declare makes a chain of ":INPUT DROP [0:0]".
func (rs ruleset) declare(table, line string) {
	f := strings.Fields(line)
	if len(f) < 2 {
		return
	}
	c := &chain{name: "iptables " + table + " " + f[0], policy: accepted}
	c.base = f[1] != "-" && (f[0] == "INPUT" || f[0] == "PREROUTING")
	if f[1] == "DROP" {
		c.policy = dropped
	}
	rs[table+" "+f[0]] = c
}

// add takes "-A INPUT -p udp --dport 27886 -j ACCEPT".
func (rs ruleset) add(table, line string, p packet) {
	if strings.HasPrefix(line, "[") { // the counters of iptables-save -c
		_, line, _ = strings.Cut(line, "] ")
	}
	args := splitQuoted(line)
	if len(args) < 2 || args[0] != "-A" && args[0] != "-I" {
		return
	}
	c := rs[table+" "+args[1]]
	if c == nil {
		return
	}
	r := rule{text: fmt.Sprintf("%s: %s", c.name, line), when: yes}
	for args = args[2:]; len(args) > 0; {
		option := args[0]
		if option == "-j" || option == "-g" {
			r.goesTo = option == "-g"
			rs.targets(&r, table, args[1:])
			break
		}
		negated := option == "!"
		if negated && len(args) > 1 {
			args = args[1:]
			option = args[0]
		}
		values := 0
		for values+1 < len(args) && !isOption(args[values+1]) {
			values++
		}
		if option == "--comment" {
			values = min(1, len(args)-1) // whatever it looks like
		}
		is := p.option(option, args[1:1+values])
		if negated {
			is = not(is)
		}
		r.when = both(r.when, is)
		args = args[1+values:]
	}
	c.rules = append(c.rules, r)
}

func isOption(s string) bool {
	return s == "!" || len(s) > 1 && s[0] == '-' && (s[1] < '0' || s[1] > '9')
}

// targets reads what comes after -j.
func (rs ruleset) targets(r *rule, table string, args []string) {
	if len(args) == 0 {
		return
	}
	name := args[0]
	if rs[table+" "+name] != nil {
		r.target = table + " " + name
		return
	}
	switch name {
	case "ACCEPT":
		r.does = accepted
	case "DROP", "REJECT", "TARPIT":
		r.does = dropped
	case "RETURN":
		r.does = returned
	case "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "SECMARK", "CONNSECMARK", "TRACE", "CT", "NOTRACK", "TCPMSS", "TTL",
		"DSCP", "TOS", "CLASSIFY", "AUDIT", "CHECKSUM", "SET", "MASQUERADE", "SNAT", "IDLETIMER", "RATEEST", "TEE", "HL":
	default: // DNAT, REDIRECT, TPROXY, NFQUEUE, and what is yet to come
		r.does = anything
	}
}

// option judges one condition.
func (p packet) option(name string, values []string) answer {
	value, list := "", []string(nil)
	if len(values) > 0 {
		value = values[0]
		list = strings.Split(value, ",")
	}
	switch name {
	case "-m", "--match":
		return max(maybe, truth(asksByOptions[value]))
	case "--comment":
		return yes
	case "-p", "--protocol":
		return max(p.isTransport(value), truth(value == "all" || value == "0"))
	case "-s", "--source":
		return anyOf(list, func(s string) answer { return addressIn(fromStranger)(s) })
	case "-d", "--destination":
		return anyOf(list, func(s string) answer { return addressIn(p.toUs)(s) })
	case "-i", "--in-interface":
		return p.onDevice(value, '+')
	case "--dport", "--destination-port", "--dports", "--destination-ports":
		return anyOf(list, func(s string) answer {
			if from, to, ok := portRange(s, ":"); ok {
				return p.toPort(from, to)
			}
			return maybe
		})
	case "--ctstate", "--state", "--ctstatus":
		return anyOf(list, inState)
	case "--dst-type":
		return anyOf(list, func(s string) answer { return truth(s == "LOCAL") })
	case "--src-type":
		return anyOf(list, func(s string) answer { return truth(s == "UNICAST") })
	case "--pkt-type":
		return truth(value == "unicast")
	case "--syn":
		return truth(p.transport == "tcp")
	case "-f", "--fragment", "--icmp-type":
		return no
	}
	return maybe
}

// asksByOptions are modules whose conditions all come as options. Some others need none (socket).
var asksByOptions = map[string]bool{"udp": true, "tcp": true, "icmp": true, "multiport": true, "conntrack": true, "state": true,
	"comment": true, "addrtype": true, "pkttype": true, "iprange": true, "set": true, "limit": true, "hashlimit": true, "recent": true, "mark": true}

// splitQuoted splits a line at spaces, but not within double quotes.
func splitQuoted(line string) []string {
	var out []string
	var word strings.Builder
	quoted, begun := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quoted && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == '"':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			if begun {
				out = append(out, word.String())
				word.Reset()
			}
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if begun {
		out = append(out, word.String())
	}
	return out
}
