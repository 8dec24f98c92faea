package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
)

var (
	//go:embed assets/page.html
	pageHTML string
	//go:embed assets/page.css
	pageCSS string
	//go:embed assets/page.js
	pageJS string
)

func parsePage() (*template.Template, error) { return template.New("page").Parse(pageHTML) }

// servePage renders the whole page. The script fetches the same page for every publication and
// takes over the parts that changed, so there is one rendering and not two.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	b, err := s.render(s.o.HideAddress && !shown(r.URL), r.URL.Query().Get("ask"))
	if err != nil {
		s.o.Log.Error("page", "err", err)
		http.Error(w, "The page could not be drawn. /api/v1/status has the same facts as JSON.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b)
}

func (s *Server) render(hidden bool, ask string) ([]byte, error) {
	page, err := s.page()
	if err != nil {
		return nil, fmt.Errorf("reading the page's template: %w", err)
	}
	v := viewer{now: s.o.Now(), hidden: hidden, ask: ask}.view(s.sitter.Status(), s.sitter.History())
	v.Demo = v.Demo || s.o.Demo
	v.CanHide = s.o.HideAddress
	v.Version = text(s.o.Version)
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("drawing the page: %w", err)
	}
	return b.Bytes(), nil
}
