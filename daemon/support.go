package daemon

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Support is what a text for people who ask for help is made of. Whatever is not known stays empty.
type Support struct {
	Now      time.Time
	Version  string
	System   string   // what the program runs on, in words
	Settings string   // those that differ from the defaults, without secrets; or why they cannot be read
	Status   *Status  // nil: it is not running
	Events   []Event  // oldest first
	Log      []string // the last lines, oldest first
	Hosts    []string // names of this PC
	Users    []string // names of its user

	ShowAddresses bool // else addresses and names are replaced by words like private-1
}

const (
	supportEvents = 50
	supportLog    = 200
	supportLine   = 500 // characters
)

// SupportText tells all that somebody else needs to find a fault, in lines of plain text that can be
// pasted anywhere. It is pure.
func SupportText(s Support) string {
	var t supportText
	t.add("Portsitter support text of %s", moment(s.Now))
	if !s.ShowAddresses {
		t.add("Addresses and names are replaced by words: the same word is the same address.")
	}
	t.part("Program")
	t.fact("version", s.Version)
	t.fact("system", s.System)
	if s.Status == nil {
		t.fact("state", "Portsitter is not running, or does not answer")
	} else {
		t.running(s.Status)
	}
	t.part("Settings that differ from the defaults")
	t.lines(strings.Split(strings.TrimSpace(cmp.Or(s.Settings, "none")), "\n"))
	if s.Status != nil {
		t.home(s.Status)
		for _, p := range s.Status.Ports {
			t.port(p)
		}
	}
	events := s.Events[max(0, len(s.Events)-supportEvents):]
	t.part(fmt.Sprintf("Last %d events", len(events)))
	for _, e := range events {
		shut := ""
		if e.Shut > 0 {
			shut = fmt.Sprintf(" (it was shut for %d s)", e.Shut)
		}
		t.line("%s  %-8s %s%s", moment(e.At), e.Kind, e.Text, shut)
	}
	if len(s.Log) > 0 {
		t.part("Log")
		t.lines(s.Log[max(0, len(s.Log)-supportLog):])
	}
	if s.ShowAddresses {
		return t.b.String()
	}
	return newMasker(s.Hosts, s.Users).text(t.b.String())
}

// supportText collects lines. Words of routers, checkers and games are made one printable line each.
type supportText struct{ b strings.Builder }

func (t *supportText) add(format string, args ...any) {
	n := 0
	t.b.WriteString(strings.TrimRight(strings.Map(func(r rune) rune {
		if n++; n > supportLine || r == unicode.ReplacementChar || !unicode.IsPrint(r) && r != '\t' {
			return -1
		}
		return r
	}, fmt.Sprintf(format, args...)), " \t"))
	t.b.WriteByte('\n')
}

func (t *supportText) part(name string)                { t.b.WriteByte('\n'); t.add("## %s", name) }
func (t *supportText) line(format string, args ...any) { t.add("  "+format, args...) }

func (t *supportText) lines(lines []string) {
	for _, l := range lines {
		t.line("%s", l)
	}
}

func (t *supportText) fact(name, value string) {
	if value != "" {
		t.line("%-10s %s", name, value)
	}
}

func (t *supportText) running(s *Status) {
	state := fmt.Sprintf("running since %s; status %d of %s", moment(s.Started), s.Pass, moment(s.At))
	if s.Demo {
		state = "a demo, in a home in software; " + state
	}
	t.fact("state", state)
	if s.Version != "" {
		t.fact("runs", "version "+s.Version)
	}
	if s.Next != nil {
		t.fact("next", s.Next.What+", at "+moment(s.Next.At))
	}
	for _, n := range s.Notices {
		t.fact("notice", n)
	}
}

// home tells what all ports share.
func (t *supportText) home(s *Status) {
	t.part("Home")
	if r := s.Route; r != nil {
		t.fact("way out", fmt.Sprintf("this PC %s on %s, gateway %s", r.Local, r.Interface, r.Gateway))
		for _, c := range r.Candidates {
			t.fact("candidate", fmt.Sprintf("%s on %s: %s", c.Gateway, c.Interface, cmp.Or(c.Rejected, "taken")))
		}
	}
	if r := s.Router; r != nil {
		t.fact("router", fmt.Sprintf("%s; answers %s", cmp.Or(r.Name, "without a name"), cmp.Or(strings.Join(r.Protocols, ", "), "nothing")))
		if r.ExternalIP != nil {
			t.fact("", "its outer address is "+r.ExternalIP.String())
		}
		if r.BootedAt != nil {
			t.fact("", "started at "+moment(*r.BootedAt))
		}
	}
	if p := s.PublicIP; p != nil {
		t.fact("public", fmt.Sprintf("%s (%s) since %s; changed %d times", p.Address, p.Kind, moment(p.Since), s.PublicIPChanges))
		for _, source := range slices.Sorted(maps.Keys(p.Sources)) {
			t.fact("", source+" says "+p.Sources[source].String())
		}
	}
}

func (t *supportText) port(p Port) {
	t.part(fmt.Sprintf("Port %q, %s %d", p.Name, strings.ToUpper(p.Transport), p.Port))
	t.fact(string(p.Verdict), fmt.Sprintf("%s: %s", p.Code, p.Headline))
	t.fact("do now", p.NextStep)
	for _, s := range p.Steps {
		t.fact(string(s.State), fmt.Sprintf("%s: %s", s.ID, s.Summary))
		t.fact("", s.Detail)
	}
	if m := p.Mapping; m != nil {
		words := fmt.Sprintf("%s leads to %s; %s, owner %s, lease %d s", m.External, m.Internal, cmp.Or(m.Protocol, "no protocol"), m.Owner, m.Lease)
		if m.Holder != "" {
			words += ", holder " + m.Holder
		}
		if m.Expires != nil {
			words += ", ends " + moment(*m.Expires)
		}
		if m.Verified != nil {
			words += ", seen " + moment(*m.Verified)
		}
		t.fact("mapping", words)
		if u := m.Upstream; u != nil {
			t.fact("", fmt.Sprintf("second router %s by %s: %s", u.Gateway, u.Protocol, u.External))
		}
	}
	if g := p.Game; g != nil && g.Listening {
		t.fact("game", fmt.Sprintf("%s (pid %d)", g.Process, g.PID))
	}
	if o := p.Outside; o != nil {
		t.fact("outside", strings.TrimRight(fmt.Sprintf("check %d: %s %s %s", o.ID, o.State, o.AnsweredBy, o.Detail), " "))
	}
	n := p.Totals
	t.fact("counts", fmt.Sprintf("%d grants, %d renewals; checks: %d reachable, %d not, %d failed; shut for %d s",
		n.Grants, n.Renewals, n.Checks.Reachable, n.Checks.Unreachable, n.Checks.Failed, n.Shut))
}

// moment is a point in time as logs have it.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
