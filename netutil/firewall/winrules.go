package firewall

import (
	"fmt"
	"slices"
	"strings"
)

// This file says which rules Allow makes, and what to change for that. Rules of ours are known by
// their group.

const (
	ourGroup     = "Portsitter"
	announceName = "Portsitter: announcements of the router"
	announceIn   = "1900,5350" // SSDP; PCP and NAT-PMP (RFC 6886 section 3.2.1, RFC 6887 section 14.1.3)
)

const (
	domainProfile  = 1
	privateProfile = 2
	publicProfile  = 4
)

func portRuleName(p Port) string {
	return fmt.Sprintf("Portsitter: %s port %d", strings.ToUpper(p.Transport), p.Number)
}

// wanted are the rules that Access comes to.
func (a Access) wanted() []winRule {
	profiles := int32(domainProfile | privateProfile)
	if a.Public {
		profiles |= publicProfile
	}
	var rules []winRule
	for _, p := range a.Ports {
		rules = append(rules, winRule{name: portRuleName(p), group: ourGroup, protocol: winProtocols[p.Transport],
			localPorts: fmt.Sprint(p.Number), remoteAddresses: "*", localAddresses: "*", profiles: profiles, enabled: true})
	}
	if a.Program != "" {
		rules = append(rules, winRule{name: announceName, group: ourGroup, program: a.Program, protocol: winProtocols["udp"],
			localPorts: announceIn, remoteAddresses: "LocalSubnet", localAddresses: "*", profiles: profiles, enabled: true})
	}
	return rules
}

// check refuses what would make a rule that opens more than was meant.
func (a Access) check() error {
	for _, p := range a.Ports {
		if winProtocols[p.Transport] == 0 || p.Number == 0 {
			return fmt.Errorf("no rule can be made for port %d by %q: a port from 1 to 65535 by udp or tcp is needed", p.Number, clean(p.Transport))
		}
	}
	return nil
}

// plan compares our rules that are there with those that are wanted: what to take out, by name and
// as often as it is there, and what to add.
func plan(have, want []winRule) (remove []string, add []winRule) {
	kept := make([]bool, len(want))
	for _, h := range have {
		if h.group != ourGroup {
			continue
		}
		i := slices.IndexFunc(want, func(w winRule) bool { return w.same(h) })
		if i >= 0 && !kept[i] {
			kept[i] = true
			continue
		}
		remove = append(remove, h.name)
	}
	for i, w := range want {
		// Windows takes rules out by name, so one that shares its name with an outdated one goes, too.
		if !kept[i] || slices.Contains(remove, w.name) {
			add = append(add, w)
		}
	}
	for i, w := range want {
		if kept[i] && slices.Contains(remove, w.name) {
			remove = append(remove, w.name)
		}
	}
	return remove, add
}

// same reports whether a rule that is there does what is wanted.
func (r winRule) same(h winRule) bool {
	any := func(s string) string {
		if everything(s) {
			return "*"
		}
		return strings.ToLower(s)
	}
	return r.name == h.name && any(r.program) == any(h.program) && any(h.service) == "*" && r.protocol == h.protocol &&
		any(r.localPorts) == any(h.localPorts) && any(h.remotePorts) == "*" && any(r.remoteAddresses) == any(h.remoteAddresses) &&
		any(h.localAddresses) == "*" && r.profiles == h.profiles && h.enabled && !h.blocks
}
