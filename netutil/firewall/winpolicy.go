package firewall

import (
	"fmt"
	"net/netip"
	"strings"
)

// This file judges the rules of the Windows Firewall as INetFwPolicy2 tells them; the reading itself
// is in com_windows.go. Rules that block win over rules that allow, and what no rule is about meets
// the profile's default (Windows Defender Firewall documentation, "rule precedence").

// Profiles of INetFwPolicy2 (NET_FW_PROFILE_TYPE2), in the order of winPolicy.Profiles.
var winProfiles = []struct {
	bit  int32
	name string
}{{1, "domain"}, {2, "private"}, {4, "public"}}

// Protocols of INetFwRule; the numbers are IANA's, but for any.
const anyProtocol = 256

var winProtocols = map[string]int32{"tcp": 6, "udp": 17}

// States of LocalPolicyModifyState (NET_FW_MODIFY_STATE).
const (
	policyOfGroup  = 1 // a group policy overrides what is set here
	policyBlocksIn = 2 // all that comes in is blocked, whatever the rules
)

// comError is the HRESULT that a property or method of the firewall's objects answered instead of doing
// as asked.
type comError struct {
	name string
	code uint32
}

func (e comError) Error() string { return fmt.Sprintf("%s answered 0x%08X", e.name, e.code) }

// winPolicy is what the Windows Firewall tells.
type winPolicy struct {
	active   int32 // bits of the profiles in use now
	modify   int32 // LocalPolicyModifyState
	profiles [3]winProfile
	rules    []winRule // those that are switched on, about incoming packets of our transport
	products []string  // other firewalls that have taken its place
}

type winProfile struct {
	on, blockAll, defaultBlocks bool
}

// winRule is an INetFwRule3. Empty strings and "*" stand for any.
type winRule struct {
	name, group                           string
	program, service                      string
	protocol                              int32
	localPorts, remotePorts               string
	localAddresses, remoteAddresses       string
	interfaceTypes, packageID, authorized string
	secure                                bool // only packets by IPsec
	profiles                              int32
	blocks, enabled                       bool
}

// report answers a Question for the profile it names, or for all that are in use.
func (w winPolicy) report(q Question) Report {
	r := Report{Firewall: "Windows Firewall"}
	switch {
	case w.modify == policyBlocksIn:
		r.State, r.Rule = Blocks, "a policy blocks all incoming connections"
		r.Next = `Open "Windows Security", Firewall & network protection, and switch off "Blocks all incoming connections"; on a PC of a company ask its administrator.`
		return r
	case w.modify == policyOfGroup:
		r.State, r.Why = Unknown, "a group policy rules this firewall, and its rules are not told"
		return r
	case len(w.products) > 0:
		r.State, r.Firewall, r.Why = Unknown, w.products[0], "it has taken the place of the Windows Firewall, and its rules cannot be read"
		r.Next = fmt.Sprintf("Let %s port %d in there.", strings.ToUpper(q.Transport), q.Port)
		return r
	}
	var found []Report
	for i, p := range winProfiles {
		if q.Profile == p.name || q.Profile == "" && w.active&p.bit != 0 {
			found = append(found, w.profile(i, q))
		}
	}
	if len(found) == 0 {
		r.State, r.Why = Unknown, "it does not tell which of its profiles is in use"
		return r
	}
	for _, f := range found[1:] {
		if f.State != found[0].State {
			r.State, r.Why = Unknown, "it treats the networks of this PC differently, and which one the router is on is not known"
			return r
		}
	}
	return found[0]
}

// profile answers for one profile.
func (w winPolicy) profile(i int, q Question) Report {
	profile, name := w.profiles[i], winProfiles[i].name
	r := Report{Firewall: "Windows Firewall"}
	switch {
	case !profile.on:
		r.State, r.Rule = Allows, "it is switched off for "+name+" networks"
		return r
	case profile.blockAll:
		r.State, r.Rule = Blocks, "it blocks all incoming connections on "+name+" networks, also those of allowed programs"
		r.Next = `Open "Windows Security", Firewall & network protection, and switch off "Blocks all incoming connections".`
		return r
	}
	block, allow := no, no
	var blockBy, allowBy winRule
	for _, rule := range w.rules {
		when := no
		if rule.enabled && rule.profiles&winProfiles[i].bit != 0 {
			when = rule.about(q)
		}
		switch {
		case rule.blocks && when > block:
			block, blockBy = when, rule
		case !rule.blocks && when > allow:
			allow, allowBy = when, rule
		}
	}
	switch {
	case block == yes:
		r.State, r.Rule, r.ForProgram = Blocks, fmt.Sprintf("rule %q", blockBy.name), !everything(blockBy.program)
		r.Next = fmt.Sprintf(`Open "Windows Defender Firewall with Advanced Security" (wf.msc), Inbound Rules, and delete the blocking rule %q.`, blockBy.name)
	case block == maybe:
		r.State, r.Rule, r.Why = Unknown, fmt.Sprintf("rule %q", blockBy.name), "whether this blocking rule is about the game is not known"
	case allow == yes:
		r.State, r.Rule = Allows, fmt.Sprintf("rule %q", allowBy.name)
	case allow == maybe:
		r.State, r.Rule, r.Why = Unknown, fmt.Sprintf("rule %q", allowBy.name), "whether this rule is about the game is not known"
	case profile.defaultBlocks:
		r.State, r.Rule = Blocks, "no rule lets the port in on "+name+" networks"
		r.Next = winOpening(q, name)
	default:
		r.State, r.Rule = Allows, "its default for incoming connections on "+name+" networks"
	}
	return r
}

// winOpening is what to do where no rule lets the port in.
func winOpening(q Question, profile string) string {
	return fmt.Sprintf(`In a terminal run as administrator: netsh advfirewall firewall add rule name="%s" dir=in action=allow protocol=%s localport=%d profile=%s`,
		portRuleName(Port{q.Transport, q.Port}), strings.ToUpper(q.Transport), q.Port, profile)
}

// about reports whether a rule is about the packet.
func (r winRule) about(q Question) answer {
	if r.protocol != anyProtocol && r.protocol != winProtocols[q.Transport] {
		return no
	}
	when := yes
	for _, a := range []answer{
		r.aboutPort(q.Port),
		r.aboutProgram(q.Program),
		anyOf(splitList(r.remoteAddresses), winStranger),
		anyOf(splitList(r.localAddresses), func(s string) answer { return winLocal(s, q.Local) }),
	} {
		when = both(when, a)
	}
	if !everything(r.remotePorts) || !everything(r.interfaceTypes) && !strings.EqualFold(r.interfaceTypes, "All") || r.secure || r.authorized != "" {
		when = both(when, maybe)
	}
	return when
}

func (r winRule) aboutPort(port uint16) answer {
	if r.protocol == anyProtocol {
		return yes // such a rule has no ports
	}
	p := packet{port: port}
	return anyOf(splitList(r.localPorts), func(s string) answer {
		if everything(s) {
			return yes
		}
		if from, to, ok := portRange(s, "-"); ok {
			return p.toPort(from, to)
		}
		return no // RPC, Teredo, IPHTTPS, ...: words for ports that are not ours
	})
}

// aboutProgram compares the rule's program with the one that holds the port. While nobody does, a
// rule for one program is no rule for whoever will: Portsitter answers in the meantime.
func (r winRule) aboutProgram(program string) answer {
	switch {
	case r.packageID != "", !everything(r.service):
		return no // an app of the store; a service of Windows
	case everything(r.program):
		return yes
	case program == "" || strings.EqualFold(r.program, "System"):
		return no
	case strings.ContainsAny(program, `\/`) && !strings.Contains(r.program, "%"):
		return truth(strings.EqualFold(r.program, program))
	}
	return truth(strings.EqualFold(winBase(r.program), winBase(program)))
}

// winBase is the file name of a path of Windows, on any system.
func winBase(path string) string { return path[strings.LastIndexAny(path, `\/`)+1:] }

func everything(s string) bool { return s == "" || s == "*" || strings.EqualFold(s, "any") }

func splitList(s string) []string { return strings.Split(s, ",") }

// winStranger reads one of a rule's remote addresses: *, LocalSubnet, 10.0.0.0/255.0.0.0, a-b.
func winStranger(s string) answer {
	switch s = strings.TrimSpace(s); {
	case everything(s), strings.EqualFold(s, "Internet"):
		return yes
	case s[0] < '0' || s[0] > '9':
		return no // LocalSubnet, DNS, DHCP, WINS, DefaultGateway, Intranet, PlayToDevice; IPv6 that begins with a letter
	}
	if from, to, ok := winRange(s); ok {
		return strangerBetween(from, to)
	}
	return addressIn(fromStranger)(s)
}

func winLocal(s string, local netip.Addr) answer {
	p := packet{local: local}
	if s = strings.TrimSpace(s); everything(s) {
		return yes
	}
	if from, to, ok := winRange(s); ok {
		return p.usBetween(from, to)
	}
	return addressIn(p.toUs)(s)
}

func winRange(s string) (from, to netip.Addr, ok bool) {
	a, b, dash := strings.Cut(s, "-")
	if !dash {
		return from, to, false
	}
	from, err := netip.ParseAddr(a)
	to, err2 := netip.ParseAddr(b)
	return from, to, err == nil && err2 == nil
}
