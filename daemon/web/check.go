package web

import (
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

// pageAsking is where a form goes back to: the page as it was looked at, which may then ask whether a
// match may be disturbed.
func pageAsking(r *http.Request, ask bool) string {
	query, q := r.URL.Query(), url.Values{}
	if shown(r.URL) {
		q.Set("show", "1")
	}
	if view := query.Get("view"); view != "" {
		q.Set("view", view)
	}
	if ask {
		q.Set("ask", query.Get("port"))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}
