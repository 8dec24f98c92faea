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
	case errors.As(err, new(*daemon.NotCheckableError)):
		http.Error(w, err.Error()+".", http.StatusUnprocessableEntity)
	default:
		http.Error(w, "The check could not be begun: "+err.Error()+".", http.StatusServiceUnavailable)
	}
}

// serveTakeOver removes another device's entry for a port, because a person asked: 202, and what came
// of it is in the status. The port has to be named.
func (s *Server) serveTakeOver(w http.ResponseWriter, r *http.Request) {
	err := s.sitter.TakeOver(r.Context(), r.URL.Query().Get("port"))
	switch {
	case errors.As(err, new(*daemon.NoPortError)):
		http.Error(w, "A take-over has to name its port: "+err.Error()+".", http.StatusNotFound)
	case errors.As(err, new(*daemon.NotHeldError)), errors.As(err, new(*daemon.HostingError)):
		http.Error(w, err.Error()+".", http.StatusConflict)
	case err != nil:
		http.Error(w, "The port could not be taken over: "+err.Error()+".", http.StatusServiceUnavailable)
	case wantsPage(r):
		http.Redirect(w, r, pageAfter(r), http.StatusSeeOther)
	default:
		s.writeJSON(w, http.StatusAccepted, struct{}{})
	}
}

// takeOver is where the button leads that takes the port over from another device; "" where there is
// none.
func (v viewer) takeOver(p daemon.Port) string {
	if p.Code != daemon.OtherExternalPort && p.Code != daemon.PortTaken {
		return ""
	}
	q := url.Values{"port": {p.Name}}
	if !v.hidden {
		q.Set("show", "1")
	}
	return "/api/v1/takeover?" + q.Encode()
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
