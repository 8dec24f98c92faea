package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

const (
	heartbeat     = 15 * time.Second // a comment after this long without a publication
	writeDeadline = 10 * time.Second // for one event, and for any other answer as a whole
	reconnect     = 2 * time.Second  // what a browser waits before it comes back
	pollInstead   = 10               // seconds, for who finds no free stream
)

// serveEvents streams one `status` event a publication. It begins with the newest one whatever
// Last-Event-ID says: the numbers begin anew with every start of the program, so an old number
// proves nothing, and reading a status twice does no harm.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", fmt.Sprint(pollInstead))
		http.Error(w, fmt.Sprintf("%d event streams are open, which is the limit. Ask /api/v1/status every %d seconds instead.",
			maxStreams, pollInstead), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	out := stream{w: w, rc: http.NewResponseController(w)}
	out.send(fmt.Sprintf("retry: %d\n\n", reconnect.Milliseconds()))
	for after := uint64(0); out.err == nil; {
		st, ended := s.awaitBeat(r.Context(), after)
		switch {
		case ended:
			return
		case st == nil:
			out.send(": still here\n\n")
		default:
			after = st.Pass
			event, err := s.statusEvent(st)
			if err != nil {
				return
			}
			out.send(event)
		}
	}
}

// awaitBeat waits for a publication, at most until a heartbeat is due; then it is nil.
func (s *Server) awaitBeat(ctx context.Context, after uint64) (st *daemon.Status, ended bool) {
	beat, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	st = s.sitter.Await(beat, after)
	return st, ctx.Err() != nil
}

// told is a publication as its event.
type told struct {
	status *daemon.Status
	event  string
}

// statusEvent is the event of a publication, written once for all the pages that are open.
func (s *Server) statusEvent(st *daemon.Status) (string, error) {
	if last := s.told.Load(); last != nil && last.status == st {
		return last.event, nil
	}
	b, err := json.Marshal(st) // on one line, as an event's data must be
	if err != nil {
		return "", err
	}
	event := fmt.Sprintf("id: %d\nevent: status\ndata: %s\n\n", st.Pass, b)
	s.told.Store(&told{st, event})
	return event, nil
}

// stream writes events until the first error, which it keeps.
type stream struct {
	w   io.Writer
	rc  *http.ResponseController
	err error
}

// send writes one event or comment. A reader that does not take it in time is let go.
func (o *stream) send(event string) {
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeDeadline))
	if _, err := io.WriteString(o.w, event); err != nil {
		o.err = err
		return
	}
	if o.err = o.rc.Flush(); o.err == nil {
		_ = o.rc.SetWriteDeadline(time.Time{}) // what is left behind would wake the program for nothing
	}
}
