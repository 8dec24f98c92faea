package service

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// marks are the signs in front of a rung, and how text is made fit for the terminal.
type marks struct {
	ok, broken, unknown, skipped string
	clean                        func(string) string
}

// marksFor picks signs that arrive on w.
func marksFor(w io.Writer) marks {
	if f, ok := w.(*os.File); ok && showsUnicode(f) {
		return unicodeMarks()
	}
	return asciiMarks()
}

func unicodeMarks() marks {
	return marks{ok: "✓", broken: "✗", unknown: "?", skipped: "–", clean: plain}
}

func asciiMarks() marks {
	return marks{ok: "[ok]", broken: "[!!]", unknown: "[??]", skipped: "[--]", clean: ascii}
}

// of is the sign of a rung. A state that is not known to us is not good, and not bad either.
func (m marks) of(s daemon.StepState) string {
	switch s {
	case daemon.StepOK:
		return m.ok
	case daemon.StepBroken:
		return m.broken
	case daemon.StepSkipped:
		return m.skipped
	}
	return m.unknown
}

func (m marks) ofVerdict(v daemon.Verdict) string {
	switch v {
	case daemon.Reachable, daemon.Ready:
		return m.ok
	case daemon.NotReady:
		return m.broken
	}
	return m.unknown
}

// view draws a status as text for people. It shows what is in the status and decides nothing.
type view struct {
	now     time.Time // for "lease ends in"
	verbose bool
	marks   marks
	out     strings.Builder
}

// line writes one line; every text in it is made fit for the terminal.
func (v *view) line(format string, args ...any) {
	text := v.marks.clean(fmt.Sprintf(format, args...))
	v.out.WriteString(strings.TrimRight(text, " ") + "\n")
}

// item writes a line with a name in front, unless there is nothing to say.
func (v *view) item(name, text string) {
	if text != "" {
		v.line("  %-9s %s", name, text)
	}
}

// status draws s: for each port the verdict, the address, what to do and the ladder; then what
// holds for all of them.
func (v *view) status(s *daemon.Status) string {
	if s.Demo {
		v.line("This is the demo: a home made of software. Nothing below is about your router.")
		v.line("")
	}
	for _, p := range s.Ports {
		v.port(p, len(s.Ports) > 1)
		v.line("")
	}
	if len(s.Ports) == 0 {
		v.line("Nothing is known about any port yet.")
	}
	v.item("Public", publicAddress(s.PublicIP))
	if s.Router != nil {
		v.item("Router", s.Router.Name)
	}
	v.item("Next", v.next(s.Next))
	for _, notice := range s.Notices {
		v.item("Note", notice)
	}
	return strings.TrimRight(v.out.String(), "\n") + "\n"
}

func (v *view) port(p daemon.Port, several bool) {
	headline := cmp.Or(p.Headline, string(p.Verdict))
	if several {
		headline = fmt.Sprintf("%s (%s %d): %s", p.Name, strings.ToUpper(p.Transport), p.Port, headline)
	}
	v.marked("", v.marks.ofVerdict(p.Verdict), headline)
	v.item("Address", p.Address)
	v.item(stepName(p.Verdict), p.NextStep)
	v.line("")
	for _, step := range p.Steps {
		v.marked("  ", v.marks.of(step.State), fmt.Sprintf("%-9s %s", rungName(step.ID), step.Summary))
		if v.verbose && step.Detail != "" {
			v.line("    %s%-9s %s", strings.Repeat(" ", len([]rune(v.marks.ok))-1), "", step.Detail)
		}
	}
	if p.Mapping != nil {
		v.line("")
		v.item("Entry", v.mapping(p.Transport, p.Mapping))
		if v.verbose && p.Mapping.Verified != nil {
			v.item("", "seen in the router "+roughly(v.now.Sub(*p.Mapping.Verified))+" ago")
		}
	}
}

// stepName says whether the next step is needed: where one can host already, it is not.
func stepName(v daemon.Verdict) string {
	if v == daemon.Reachable || v == daemon.Ready {
		return "Note"
	}
	return "Do now"
}

// marked writes a line behind a sign. The sign is ours and stays as it is.
func (v *view) marked(indent, mark, text string) {
	v.out.WriteString(indent + mark + " " + strings.TrimRight(v.marks.clean(text), " ") + "\n")
}

// rungName is the name of a rung for people: its id, as a word.
func rungName(id string) string {
	if id == "" {
		return "?"
	}
	return strings.ToUpper(id[:1]) + id[1:]
}

func (v *view) mapping(transport string, m *daemon.Mapping) string {
	text := fmt.Sprintf("%s %s -> %s", strings.ToUpper(transport), m.External, cmp.Or(m.Internal, m.Holder))
	switch m.Owner {
	case "manual":
		return text + ", forwarded by hand"
	case "other":
		return text + ", an entry of another PC"
	}
	return text + " by " + protocolName(m.Protocol) + ", " + v.lease(m)
}

func (v *view) lease(m *daemon.Mapping) string {
	switch {
	case m.Lease == 0:
		return "until it is taken away"
	case m.Expires == nil:
		return "for " + roughly(time.Duration(m.Lease)*time.Second)
	case v.now.After(*m.Expires):
		return "lease ended " + roughly(v.now.Sub(*m.Expires)) + " ago"
	}
	return "lease ends in " + roughly(m.Expires.Sub(v.now))
}

func protocolName(p string) string {
	switch p {
	case "pcp":
		return "PCP"
	case "nat-pmp":
		return "NAT-PMP"
	case "upnp":
		return "UPnP"
	}
	return p
}

// publicAddress is the address and who says so, then whoever says otherwise.
func publicAddress(p *daemon.PublicIP) string {
	if p == nil || !p.Address.IsValid() {
		return ""
	}
	text := p.Address.String()
	if p.Kind != "" && p.Kind != "public" {
		text += " (" + p.Kind + ")"
	}
	var same, other []string
	for _, source := range sortedSources(p.Sources) {
		if p.Sources[source] == p.Address {
			same = append(same, sourceName(source))
		} else {
			other = append(other, sourceName(source)+" says "+p.Sources[source].String())
		}
	}
	if len(same) > 0 {
		text += ", according to " + list(same)
	}
	return strings.Join(append([]string{text}, other...), "; ")
}

// sortedSources puts the router first, then the others by name.
func sortedSources(sources map[string]netip.Addr) []string {
	var names []string
	for name := range sources {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == "router") != (b == "router") {
			if a == "router" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

func sourceName(source string) string {
	switch source {
	case "router":
		return "the router"
	case "http":
		return "a web page"
	case "stun":
		return "a STUN server"
	}
	return source
}

func (v *view) next(n *daemon.Next) string {
	if n == nil || n.What == "" {
		return ""
	}
	if left := n.At.Sub(v.now); left > 0 {
		return n.What + ", in " + roughly(left)
	}
	return n.What
}
