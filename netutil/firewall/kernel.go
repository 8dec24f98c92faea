package firewall

import (
	"fmt"
	"strings"
)

// This file makes a Report of the kernel's rules, which only root can read.

// listings are what the tools print; "" where a tool is not there or not needed.
type listings struct {
	nft      string // nft -j list ruleset
	iptables string // iptables-nft-save: the tables in nft's listing that only iptables understands
	legacy   string // iptables-legacy-save: tables beside nft's
}

// needsIPTables reports whether nft's listing has rules that only iptables can tell.
func needsIPTables(nft string) bool {
	_, alien, err := parseNFT([]byte(nft), packet{})
	return err == nil && len(alien) > 0
}

// kernelReport judges all rules together.
func kernelReport(l listings, q Question, p packet) Report {
	rs, told := ruleset{}, map[string]bool{}
	if l.iptables != "" {
		if strings.Contains(l.iptables, "is incompatible, use 'nft' tool") && l.nft == "" {
			return unknown("some of the rules can be listed by nft only, which is not installed")
		}
		var err error
		if rs, told, err = parseIPTables(l.iptables, p); err != nil {
			return unknown(err.Error())
		}
	}
	if l.nft != "" {
		byNFT, alien, err := parseNFT([]byte(l.nft), p)
		if err != nil {
			return unknown(err.Error())
		}
		for name, c := range byNFT {
			table := c.table()
			if !alien[table] || !told[strings.TrimPrefix(table, "ip ")] {
				rs["nft "+name] = c.under("nft ")
			}
		}
	}
	if l.legacy != "" {
		legacy, _, err := parseIPTables(l.legacy, p)
		if err != nil {
			return unknown(err.Error())
		}
		for name, c := range legacy {
			rs["legacy "+name] = c.under("legacy ")
		}
	}
	return rs.report(q)
}

// table is the family and table of one of nft's chains: "inet filter" of "inet filter input".
func (c *chain) table() string {
	if i := strings.LastIndexByte(c.name, ' '); i > 0 {
		return c.name[:i]
	}
	return c.name
}

// under is the chain in a larger ruleset, where its name has a prefix.
func (c *chain) under(prefix string) *chain {
	out := *c
	out.rules = append([]rule(nil), c.rules...)
	for i := range out.rules {
		if out.rules[i].target != "" {
			out.rules[i].target = prefix + out.rules[i].target
		}
	}
	return &out
}

// report puts what becomes of the packet into words.
func (rs ruleset) report(q Question) Report {
	v := rs.judge()
	r := Report{Firewall: rs.owner(v.base)}
	switch v.outcome {
	case accepted:
		r.State, r.Rule = Allows, v.openBy
	case dropped:
		r.State, r.Rule = Blocks, v.dropBy
		r.Next = rs.opening(r.Firewall, v.base, q)
	default:
		r.State, r.Rule = Unknown, v.dropBy
		r.Why = "whether this rule is about the packet depends on what cannot be known beforehand"
		r.Next = rs.opening(r.Firewall, v.base, q)
	}
	return r
}

// owner is the program that has made the rules, or those of the chain base.
func (rs ruleset) owner(base string) string {
	var nft, iptables, ufw, firewalld bool
	for name := range rs {
		ofNFT := strings.HasPrefix(name, "nft ")
		nft, iptables = nft || ofNFT, iptables || !ofNFT
		ufw = ufw || strings.Contains(name, " ufw-")
		firewalld = firewalld || strings.HasPrefix(name, "nft inet firewalld ") || strings.HasSuffix(name, " INPUT_ZONES")
	}
	switch ofNFT := strings.HasPrefix(base, "nft "); {
	case firewalld && (base == "" || !ofNFT || strings.HasPrefix(base, "nft inet firewalld ")):
		return "firewalld"
	case ufw && (base == "" || !ofNFT || strings.HasPrefix(base, "nft ip filter ")):
		return "ufw"
	case ofNFT || nft && !iptables:
		return "nftables"
	case iptables:
		return "iptables"
	}
	return ""
}

// opening is the command that lets the packet in. base is the chain that drops it.
func (rs ruleset) opening(owner, base string, q Question) string {
	switch {
	case owner == "ufw":
		return fmt.Sprintf("sudo ufw insert 1 allow %d/%s", q.Port, q.Transport)
	case owner == "firewalld":
		return fmt.Sprintf("sudo firewall-cmd --permanent --add-port=%d/%s && sudo firewall-cmd --reload", q.Port, q.Transport)
	case strings.HasPrefix(base, "nft "):
		return fmt.Sprintf("sudo nft insert rule %s %s dport %d accept (and the same line into /etc/nftables.conf)", strings.TrimPrefix(base, "nft "), q.Transport, q.Port)
	case owner == "nftables":
		return "sudo nft list ruleset"
	}
	return fmt.Sprintf("sudo iptables -I INPUT -p %s --dport %d -j ACCEPT", q.Transport, q.Port)
}
