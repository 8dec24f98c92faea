// Package firewall tells whether this PC's own firewall lets a stranger's packet in, and opens the
// port in the Windows Firewall when Portsitter is installed.
//
// It reads what the system tells without being asked twice: the COM object INetFwPolicy2 on Windows;
// on Linux the rules of nftables and iptables where the process may read them, and otherwise what
// ufw and firewalld say about themselves. A verdict is given only where every rule that could
// matter was understood: a guess would send people to change a firewall that was right. Looking
// never changes anything, and no firewall of Linux is changed at all.
package firewall

import (
	"context"
	"errors"
	"net/netip"
)

// State is what a firewall does with a packet.
type State string

// The states. Unknown means "could not find out", and is neither of the others.
const (
	Allows  State = "allows"
	Blocks  State = "blocks"
	Unknown State = "unknown"
)

// Question is about the first packet of a stranger, as it comes from the home router: from any
// public address, to a port of this PC.
type Question struct {
	Transport string     // udp or tcp
	Port      uint16     // of this PC
	Local     netip.Addr // of this PC, facing the router
	Interface string     // its name: eth0; unused on Windows
	Program   string     // who holds the port or will: path or file name; "" = not known
	Profile   string     // how Windows calls the network: public, private or domain; "" = not known
}

// Report is the answer to a Question.
type Report struct {
	State    State
	Firewall string // ufw, firewalld, nftables, iptables or Windows Firewall; "" when there is none
	Rule     string // the rule or default that decides, in the firewall's own words; "" when none does
	Next     string // the command or step that lets the packet in, or that shows the rules when they could not be read
	Why      string // for Unknown: what is in the way of knowing

	ForProgram bool // the rule that decides is about the program alone: another one may fare differently
}

// Access is what Portsitter needs let in.
type Access struct {
	Ports   []Port // opened for any program
	Program string // full path of portsitter.exe: may hear UDP from the local subnet, the router's announcements
	Public  bool   // on networks that Windows calls Public, too
}

// Port is a port of this PC.
type Port struct {
	Transport string // udp or tcp
	Number    uint16
}

var (
	// ErrNotPermitted is returned by Allow and Remove to whoever is not an administrator.
	ErrNotPermitted = errors.New("changing the Windows Firewall needs an administrator: run it from an administrator's terminal")
	// ErrPolicy is returned by Allow when the rules were made, but a group policy overrides them.
	ErrPolicy = errors.New("a group policy rules the Windows Firewall, so its own rules may have no effect: ask whoever administers this PC to let the port in")
)

// Look answers a Question. The error is about the question or the context; that the answer cannot be
// found out is a Report with the state Unknown.
func Look(ctx context.Context, q Question) (Report, error) {
	if q.Transport != "udp" && q.Transport != "tcp" {
		return Report{}, errors.New("a firewall is asked about udp or tcp, not about " + clean(q.Transport))
	}
	r := look(ctx, q)
	r.Rule, r.Why, r.Next = clean(r.Rule), clean(r.Why), clean(r.Next)
	return r, ctx.Err()
}

// Allow makes the Windows Firewall let in what Access names. It may be repeated: rules of ours that
// are there are kept, outdated ones replaced, others left alone. On other systems it does nothing.
func Allow(ctx context.Context, a Access) error { return allow(ctx, a) }

// Remove takes out all rules that Allow has made; none is no error. On other systems it does nothing.
func Remove(ctx context.Context) error { return remove(ctx) }

// longest is how much of a rule's text is told.
const longest = 300

// clean makes text of rules and programs fit to be shown: one line, printable, not endless.
func clean(s string) string {
	out, n := make([]rune, 0, min(len(s), longest)), 0
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			r = ' '
		}
		if n++; n > longest {
			return string(out) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}

func unknown(why string) Report { return Report{State: Unknown, Why: why} }
