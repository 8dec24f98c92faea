package web

import (
	"embed"
	"net/http"
	"net/url"
	"slices"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

//go:embed assets/page.html assets/help.html assets/help.md
var assets embed.FS

var (
	//go:embed assets/page.css
	pageCSS string
	//go:embed assets/page.js
	pageJS string
)

// servePage renders the whole page. The script fetches the same page for every publication and
// takes over the parts that changed, so there is one rendering and not two.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(s.render(r.URL.Query()))
}

// render draws the page as a query asks for it: show=1 shows hidden addresses, view names the port
// that is shown whole, ask the port whose check needs a person's word.
func (s *Server) render(query url.Values) []byte {
	st := s.sitter.Status()
	v := viewer{
		now: s.o.Now(), canHide: s.o.HideAddress, hidden: s.o.HideAddress && query.Get("show") != "1",
		view: query.Get("view"), ask: query.Get("ask"), several: len(st.Ports) > 1,
	}
	look := signOf(worst(st))
	return h.Load(assets, "assets/page.html").Fill(map[string]h.Node{
		"title":   h.Text(look.Glyph + " " + look.Words + " · Portsitter"),
		"icon":    h.Text(string(worst(st))),
		"reload":  reload(st),
		"asof":    asOf(momentOf(st.At, v.now)),
		"refresh": h.E("form", post(v.link("/api/v1/refresh")), h.E("button", h.A("id", "refresh"), h.A("title", askTitle), h.Text("Ask the router"))),
		"main":    v.main(st, s.sitter, st.Demo || s.o.Demo),
		"version": h.Text(text(s.o.Version)),
		"started": v.started(st.Started),
	})
}

// askTitle tells the button that asks the router from the one that checks from outside.
const askTitle = "Look at this PC and the router again now, without waiting. Nobody knocks at the port from outside."

// post are the attributes of a form that does something.
func post(to string) h.Node { return h.All(h.A("method", "post"), h.A("action", to)) }

// link is an address of ours that keeps how the page is being looked at. more are names and values in
// turn.
func (v viewer) link(path string, more ...string) string {
	q := url.Values{}
	if v.canHide && !v.hidden {
		q.Set("show", "1")
	}
	if v.view != "" {
		q.Set("view", v.view)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	for name, values := range q {
		if values[0] == "" {
			delete(q, name)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// asOf says, for browsers without the script, how old the page is.
func asOf(m *moment) h.Node {
	if m == nil {
		return nil
	}
	return h.Text("As of " + m.Exact)
}

// reload lets a browser without the script follow a check.
func reload(st *daemon.Status) h.Node {
	if !slices.ContainsFunc(st.Ports, checking) {
		return nil
	}
	return h.E("noscript", h.E("meta", h.A("http-equiv", "refresh"), h.A("content", "2")))
}
