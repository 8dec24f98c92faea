// Package markup makes HTML that is escaped by construction: there is no function that takes HTML
// which is not a constant of the program or one of its embedded files, so what a router, a checker
// or a player says can only become text or the value of an attribute.
package markup

import (
	"embed"
	"html"
	"net/netip"
	"strings"
)

// constant is text that stands in the source. Other packages cannot name this type, so all they
// can pass for it is an untyped constant.
type constant string

// Node is a piece of a page: an element, an attribute, text, or several of them. A nil Node is
// nothing, and may stand wherever a Node may.
type Node interface{ write(b *strings.Builder) }

type (
	text      string
	raw       string
	nodes     []Node
	attribute struct{ name, value string }
	element   struct {
		tag   string
		parts []Node
	}
)

// Text is text.
func Text(s string) Node { return text(s) }

// Raw is HTML that stands in the source, such as a drawing.
func Raw(html constant) Node { return raw(html) }

// All is several nodes, one after the other.
func All(parts ...Node) Node { return nodes(parts) }

// E is an element. Its attributes may stand anywhere among parts.
func E(tag constant, parts ...Node) Node { return element{string(tag), parts} }

// A is an attribute. An address may lead into our own pages ("/…", "?…", "#…"), to https://, or to
// http:// and a private IP address, which is a router's menu; else it leads nowhere.
func A(name constant, value string) Node {
	switch name {
	case "href", "src", "action":
		if !harmless(value) {
			value = "#"
		}
	}
	return attribute{string(name), value}
}

// harmless tells addresses that cannot run and cannot be mistaken for another host. Browsers read "\"
// as "/", and drop tabs and line breaks (WHATWG URL standard), so these must not stand in one at all.
func harmless(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '\\' }) {
		return false
	}
	if host, ok := strings.CutPrefix(s, "http://"); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
		return err == nil && a.IsPrivate()
	}
	own := strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") || strings.HasPrefix(s, "?") || strings.HasPrefix(s, "#")
	return own || strings.HasPrefix(s, "https://")
}

// Class is the attribute that nearly every element has.
func Class(names string) Node { return attribute{"class", names} }

func (t text) write(b *strings.Builder) { b.WriteString(html.EscapeString(string(t))) }

func (r raw) write(b *strings.Builder) { b.WriteString(string(r)) }

func (ns nodes) write(b *strings.Builder) {
	for _, n := range ns {
		if n != nil {
			n.write(b)
		}
	}
}

func (a attribute) write(b *strings.Builder) {
	b.WriteString(" " + a.name)
	if a.value != "" {
		b.WriteString(`="` + html.EscapeString(a.value) + `"`)
	}
}

func (e element) write(b *strings.Builder) {
	b.WriteString(lineBefore[e.tag] + "<" + e.tag)
	inside := attributes(b, e.parts)
	b.WriteString(">")
	if e.tag == "meta" || e.tag == "input" { // these have no end tag
		return
	}
	inside.write(b)
	b.WriteString("</" + e.tag + ">")
}

// attributes writes those among parts, and returns the rest.
func attributes(b *strings.Builder, parts nodes) (rest nodes) {
	for _, n := range parts {
		switch n := n.(type) {
		case attribute:
			n.write(b)
		case nodes:
			rest = append(rest, attributes(b, n)...)
		default:
			rest = append(rest, n)
		}
	}
	return rest
}

// lineBefore begins a new line where that shows nowhere, so that a page is pleasant to read as text.
var lineBefore = map[string]string{
	"section": "\n", "div": "\n", "form": "\n", "p": "\n", "h2": "\n", "h3": "\n", "h4": "\n", "ol": "\n", "ul": "\n",
	"li": "\n", "dl": "\n", "details": "\n", "main": "\n",
}

// Skeleton is an embedded HTML file with places to fill, written {{name}}.
type Skeleton []string // HTML and names in turn

// Load reads a skeleton from the program itself; what is not there is an empty one.
func Load(files embed.FS, name constant) Skeleton {
	b, _ := files.ReadFile(string(name))
	var out Skeleton
	for rest := string(b); rest != ""; {
		before, after, _ := strings.Cut(rest, "{{")
		var place string
		place, rest, _ = strings.Cut(after, "}}")
		out = append(out, before, place)
	}
	return out
}

// Fill writes the page. A place that is not named stays empty.
func (s Skeleton) Fill(places map[string]Node) []byte {
	var b strings.Builder
	for i, part := range s {
		if i%2 == 0 {
			b.WriteString(part)
		} else if n := places[part]; n != nil {
			n.write(&b)
		}
	}
	return []byte(b.String())
}
