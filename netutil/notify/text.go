package notify

import (
	"strings"
	"unicode"
)

// What one message may hold; every receiver takes at least this much.
const (
	maxField = 300  // characters of a headline, a name, a next step
	maxText  = 1800 // of the whole text, before escaping; Discord takes 2000
	maxPorts = 64
)

// clean makes one line of foreign text: white space becomes a space, and what does not print
// (escape sequences, direction marks, NUL) is left out. At most limit characters stay.
func clean(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			continue
		}
		if limit--; limit < 0 {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// cleaned returns the news with every text fit to be passed on.
func (n News) cleaned() News {
	ports := make([]Port, min(len(n.Ports), maxPorts))
	for i := range ports {
		p := n.Ports[i]
		for _, text := range []*string{&p.Name, &p.Transport, &p.Verdict, &p.Code, &p.Headline, &p.NextStep, &p.Address} {
			*text = clean(*text, maxField)
		}
		ports[i] = p
	}
	n.Ports, n.Event = ports, clean(n.Event, maxField)
	return n
}

// title is the first line of a message.
func (n News) title() string {
	switch {
	case n.Event == Test:
		return "Portsitter: this is a test"
	case len(n.Ports) == 1:
		return "Portsitter: " + n.Ports[0].Name
	}
	return "Portsitter"
}

// text is the rest of it, a fact a line.
func (n News) text() string {
	var lines []string
	for _, p := range n.Ports {
		headline := p.Headline
		if len(n.Ports) > 1 {
			headline = p.Name + ": " + headline
		}
		lines = append(lines, headline)
		if p.Address != "" && !strings.Contains(headline, p.Address) {
			lines = append(lines, "Address: "+p.Address)
		}
		if p.NextStep != "" {
			lines = append(lines, p.NextStep)
		}
	}
	switch {
	case n.Previous.IsValid() && n.Public.IsValid():
		lines = append(lines, "The public address changed from "+n.Previous.String()+" to "+n.Public.String()+".")
	case len(n.Ports) == 0 && n.Public.IsValid():
		lines = append(lines, "The public address is "+n.Public.String()+".")
	}
	return cut(strings.Join(lines, "\n"), maxText)
}

// cut shortens a text to a number of characters.
func cut(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// urgent reports whether somebody has to do something.
func (n News) urgent() bool {
	for _, p := range n.Ports {
		if p.Verdict == "not-ready" {
			return true
		}
	}
	return false
}
