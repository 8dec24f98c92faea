package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/portsitter/portsitter/daemon"
)

// serveCheck begins a check from outside: 202 with its number, to be found again as outside.id in the
// status. While somebody holds the port it is 409 until the question is put again with
// while_hosting=1. A form is led back to the page, which then asks that question in words.
func (s *Server) serveCheck(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	id, err := s.sitter.Check(r.Context(), query.Get("port"), query.Get("while_hosting") == "1")
	hosting := errors.As(err, new(*daemon.HostingError))
	switch {
	case wantsPage(r) && (err == nil || hosting):
		http.Redirect(w, r, pageAsking(r, hosting), http.StatusSeeOther)
	case err == nil:
		s.writeJSON(w, http.StatusAccepted, map[string]uint64{"check": id})
	case hosting:
		http.Error(w, err.Error()+" (while_hosting=1).", http.StatusConflict)
	case errors.As(err, new(*daemon.NoPortError)):
		http.Error(w, err.Error()+".", http.StatusNotFound)
	default:
		http.Error(w, "The check could not be begun: "+err.Error()+".", http.StatusServiceUnavailable)
	}
}

// pageAsking is where a form goes back to, and whether the page there shall ask if a match may be
// disturbed.
func pageAsking(r *http.Request, ask bool) string {
	q := url.Values{}
	if shown(r.URL) {
		q.Set("show", "1")
	}
	if ask {
		q.Set("ask", r.URL.Query().Get("port"))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// checkView is the form that begins a check of one port, or what the one under way is doing.
type checkView struct {
	Action   string // where the form goes
	Label    string // of the button
	Question string // what a person has to know before; "" while nobody is hosting
	Progress string // of the check under way: then there is no form
}

const hostingQuestion = "Somebody is hosting on this port. The check shows up in that window as a player who comes and leaves, " +
	"and can, rarely, throw an opponent out. Better check before anybody joins."

// check offers a check; nil where there is nothing to check. ask is the name of the port whose
// question was put by a form.
func (v viewer) check(p daemon.Port) *checkView {
	if p.Outside == nil || p.Transport == "tcp" {
		return nil
	}
	if p.Outside.State == "checking" {
		return &checkView{Progress: "Checking from outside: " + v.text(cmp.Or(p.Outside.Detail, "asking"))}
	}
	q := url.Values{"port": {p.Name}}
	if !v.hidden {
		q.Set("show", "1")
	}
	out := &checkView{Label: "Check from outside"}
	if v.ask == p.Name || p.Game != nil && p.Game.Listening {
		q.Set("while_hosting", "1")
		out.Label, out.Question = "Check all the same", hostingQuestion
	}
	out.Action = "/api/v1/check?" + q.Encode()
	return out
}
