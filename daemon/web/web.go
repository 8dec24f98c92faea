// Package web is the page on http://localhost:27880, and the same knowledge as JSON, as an event
// stream and as metrics. It reads the published Status, pokes the loop, and does nothing else.
//
// The page has no password, so it is served on loopback only, and three walls stand before it: the
// Host header must be a name of ours (a rebound DNS name is not), requests that change something
// must not come from another site, and what a router or a checker said is shown as text, never as
// markup.
package web

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// Sitter is what the page needs of the daemon. All methods may be called by many goroutines.
type Sitter interface {
	// Status is the newest publication, never nil, which nobody changes any more.
	Status() *daemon.Status
	// Await blocks until there is a publication newer than number after, and returns the newest;
	// nil when ctx ends first.
	Await(ctx context.Context, after uint64) *daemon.Status
	// Refresh asks the loop to look again now. It does not wait for that.
	Refresh()
	// Check begins a check from outside and returns its number; see daemon.Daemon.Check.
	Check(ctx context.Context, port string, whileHosting bool) (uint64, error)
	// TakeOver removes another device's entry for a port; see daemon.Daemon.TakeOver.
	TakeOver(ctx context.Context, port string) error
	// History is the timeline, oldest event first. The caller does not change it.
	History() []daemon.Event
	// Alive is when the loop last turned; the zero time if it never did.
	Alive() time.Time
}

// Options are the parts of the settings that concern the page.
type Options struct {
	Listen      []netip.AddrPort // where Run serves; loopback addresses only
	Hosts       []string         // further names the page is called by, as a browser would send them
	HideAddress bool             // the page shows public addresses only after a click
	Version     string           // of this program
	Demo        bool             // the page says that everything is a demo
	Notice      func(string)     // told, for people, what is wrong with an address in Listen; nil = only logged
	Log         *slog.Logger     // nil = slog.Default()
	Now         func() time.Time // nil = time.Now
}

// maxStreams bounds the event streams that are open at once; a browser tab holds one.
const maxStreams = 32

// Server serves one Sitter. Make it with New.
type Server struct {
	sitter  Sitter
	o       Options
	hosts   map[string]bool // names and addresses a Host header may carry
	streams chan struct{}   // a token for each open event stream
	page    func() (*template.Template, error)
}

// New makes a server. It listens to nothing before Run, and reads its template only when the page
// is asked for the first time: on most days nobody looks.
func New(s Sitter, o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return &Server{
		sitter:  s,
		o:       o,
		hosts:   hostNames(o),
		streams: make(chan struct{}, maxStreams),
		page:    sync.OnceValues(parsePage),
	}
}

// Handler is everything the server answers, behind its walls.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage)
	mux.HandleFunc("GET /page.css", serveAsset("text/css; charset=utf-8", pageCSS))
	mux.HandleFunc("GET /page.js", serveAsset("text/javascript; charset=utf-8", pageJS))
	mux.HandleFunc("GET /favicon.svg", s.serveFavicon)
	mux.HandleFunc("GET /api/v1/status", s.serveStatus)
	mux.HandleFunc("GET /api/v1/history", s.serveHistory)
	mux.HandleFunc("GET /api/v1/events", s.serveEvents)
	mux.HandleFunc("POST /api/v1/refresh", s.serveRefresh)
	mux.HandleFunc("POST /api/v1/check", s.serveCheck)
	mux.HandleFunc("POST /api/v1/takeover", s.serveTakeOver)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	return s.walls(mux)
}

func serveAsset(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write([]byte(text))
	}
}
