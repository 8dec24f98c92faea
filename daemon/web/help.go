package web

import (
	"net/http"
	"strings"

	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// serveHelp shows what each diagnosis means and what to do: the README's section, of which
// assets/help.md is a copy.
func (s *Server) serveHelp(w http.ResponseWriter, _ *http.Request) {
	text, _ := assets.ReadFile("assets/help.md") // a test holds that it is there
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(h.Load(assets, "assets/help.html").Fill(map[string]h.Node{"help": paragraphs(string(text))}))
}

// paragraphs turns the few forms of Markdown that the section has into a page: headings, paragraphs,
// `code`, **bold**, *emphasis* and [links](#to a heading).
func paragraphs(markdown string) h.Node {
	var out []h.Node
	for p := range strings.SplitSeq(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n\n") {
		p = strings.TrimSpace(p)
		for strings.HasPrefix(p, "#") {
			title, rest, _ := strings.Cut(p, "\n")
			level, name := strings.Count(title, "#"), strings.Trim(title, "# ")
			if level == 2 {
				out = append(out, h.E("h2", h.Text(name)))
			} else {
				out = append(out, h.E("h3", h.A("id", name), h.Text(name)))
			}
			p = strings.TrimSpace(rest)
		}
		if p != "" {
			out = append(out, h.E("p", inline(strings.ReplaceAll(p, "\n", " "))))
		}
	}
	return h.All(out...)
}

// inline turns what stands in a paragraph. A mark without its partner stays as it is.
func inline(s string) h.Node {
	var out []h.Node
	for s != "" {
		at := strings.IndexAny(s, "`*[")
		if at < 0 {
			break
		}
		out = append(out, h.Text(s[:at]))
		s = s[at:]
		n, rest := piece(s)
		if n == nil {
			n, rest = h.Text(s[:1]), s[1:]
		}
		out, s = append(out, n), rest
	}
	return h.All(append(out, h.Text(s))...)
}

// piece is what begins s, and what follows it; nil if none begins there.
func piece(s string) (h.Node, string) {
	if in, rest, ok := between(s, "`", "`"); ok {
		return h.E("code", h.Text(in)), rest
	}
	if in, rest, ok := between(s, "**", "**"); ok {
		return h.E("strong", h.Text(in)), rest
	}
	if in, rest, ok := between(s, "*", "*"); ok && in != "" {
		return h.E("em", h.Text(in)), rest
	}
	if in, rest, ok := between(s, "[", "]"); ok {
		if to, rest, ok := between(rest, "(", ")"); ok && strings.HasPrefix(to, "#") {
			return h.E("a", h.A("href", to), h.Text(in)), rest
		}
	}
	return nil, s
}

func between(s, begin, end string) (in, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, begin)
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, end)
}
