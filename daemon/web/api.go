package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// aliveFor is how long the loop may go without a turn before /healthz calls it stuck. Its longest
// rest between two turns is well below.
const aliveFor = 2 * time.Minute

func (s *Server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, s.sitter.Status())
}

func (s *Server) serveHistory(w http.ResponseWriter, _ *http.Request) {
	events := s.sitter.History()
	if events == nil {
		events = []daemon.Event{}
	}
	s.writeJSON(w, http.StatusOK, events)
}

func (s *Server) serveRefresh(w http.ResponseWriter, r *http.Request) {
	s.sitter.Refresh()
	if wantsPage(r) {
		http.Redirect(w, r, pageAfter(r), http.StatusSeeOther)
		return
	}
	s.writeJSON(w, http.StatusAccepted, struct{}{})
}

// serveSupport is the text for people who ask for help. Its addresses are masked always: it is made to
// be pasted.
func (s *Server) serveSupport(w http.ResponseWriter, _ *http.Request) {
	facts := s.o.Support()
	facts.Now, facts.Status, facts.Events, facts.ShowAddresses = s.o.Now(), s.sitter.Status(), s.sitter.History(), false
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, daemon.SupportText(facts))
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	alive := s.sitter.Alive()
	if alive.IsZero() {
		http.Error(w, "The loop has not turned yet.", http.StatusServiceUnavailable)
		return
	}
	if still := s.o.Now().Sub(alive); still > aliveFor {
		http.Error(w, fmt.Sprintf("The loop has stood still for %s. Restart Portsitter, and please report this with its log.",
			still.Round(time.Second)), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

func (s *Server) writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.o.Log.Error("page", "err", fmt.Errorf("writing JSON: %w", err))
		http.Error(w, "The answer could not be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}
