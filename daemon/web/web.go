// Package web is the page on http://localhost:27880, and the same knowledge as JSON, as an event
// stream and as metrics. It reads the published Status, pokes the loop, and does nothing else.
//
// Four walls stand before it: the Host header must be a name of ours (a rebound DNS name is not),
// whoever is not on this PC needs the password, requests that change something must not come from
// another site, and what a router or a checker said is shown as text, never as markup.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
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
	// Days is the picture of the past days; see daemon.Daemon.Days.
	Days() daemon.Days
	// Contacts are those the program talks to. The caller does not change the list.
	Contacts() []daemon.Contact
	// Alive is when the loop last turned; the zero time if it never did.
	Alive() time.Time
}

// Options are the parts of the settings that concern the page.
type Options struct {
	Listen      []netip.AddrPort      // where Run serves; loopback is served in any case
	Hosts       []string              // further names the page is called by, as a browser would send them
	Password    func(string) bool     // judges the password of who is not on this PC; nil = loopback addresses only
	HideAddress bool                  // the page shows public addresses only after a click
	Version     string                // of this program
	Demo        bool                  // the page says that everything is a demo
	Support     func() daemon.Support // what a support text has beside status and history; nil = nothing
	Notice      func(string)          // told, for people, what is wrong with the addresses in Listen; "" when nothing is any more; nil = only logged
	Log         *slog.Logger          // nil = slog.Default()
	Now         func() time.Time      // nil = time.Now
}

// maxStreams bounds the event streams that are open at once; a browser tab holds one.
const maxStreams = 32

// Server serves one Sitter. Make it with New.
type Server struct {
	sitter   Sitter
	o        Options
	hosts    map[string]bool // names and addresses a Host header may carry
	gate     *gate
	streams  chan struct{} // a token for each open event stream
	told     atomic.Pointer[told]
	troubles troubles
}

// New makes a server. It listens to nothing before Run.
func New(s Sitter, o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Support == nil {
		o.Support = func() daemon.Support { return daemon.Support{Version: o.Version} }
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return &Server{
		sitter:  s,
		o:       o,
		hosts:   hostNames(o),
		gate:    newGate(o),
		streams: make(chan struct{}, maxStreams),
	}
}

// Handler is everything the server answers, behind its walls.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range s.routes() {
		mux.HandleFunc(pattern, serve)
	}
	return s.walls(mux)
}

// routes are all there are; docs/api.md explains those that are for programs.
func (s *Server) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /{$}":              s.servePage,
		"GET /help":             s.serveHelp,
		"GET /page.css":         serveAsset("text/css; charset=utf-8", pageCSS),
		"GET /page.js":          serveAsset("text/javascript; charset=utf-8", pageJS),
		"GET /favicon.svg":      s.serveFavicon,
		"GET /api/v1/status":    s.serveStatus,
		"GET /api/v1/history":   s.serveHistory,
		"GET /api/v1/days":      s.serveDays,
		"GET /api/v1/events":    s.serveEvents,
		"POST /api/v1/refresh":  s.serveRefresh,
		"POST /api/v1/check":    s.serveCheck,
		"POST /api/v1/takeover": s.serveTakeOver,
		"GET /api/v1/support":   s.serveSupport,
		"GET /healthz":          s.serveHealth,
		"GET /metrics":          s.serveMetrics,
	}
}

func serveAsset(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write([]byte(text))
	}
}
