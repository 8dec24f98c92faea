package portmap

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"
)

const (
	// ssdpWindow is how long answers are waited for; ssdpSlowWindow is for routers that take
	// longer than they should (tailscale#3557: 5 to 10 s).
	ssdpWindow     = 3 * time.Second
	ssdpSlowWindow = 10 * time.Second

	// maxLocations bounds how many descriptions one search reads, and maxOthers how many of them
	// may come from answers that do not call themselves an InternetGatewayDevice: a router is also
	// a media server, a printer server and what not, and those must not crowd it out.
	maxLocations = 8
	maxOthers    = 4
)

// upnp searches the gateway for UPnP and calls answered as soon as a usable service is found: at
// once if the description at s.Known still holds, else with the first usable answer to the search.
// It then goes on listening until the window closes, and calls answered again only if a service
// turns up that certainly leads to the internet better than the one that was reported. If there is
// nothing, answered is called once, with the reason, at the end.
//
// It returns when the search is over or ctx has ended; all calls of answered come before that.
func (s Search) upnp(ctx context.Context, answered func(Answer)) {
	window := ssdpWindow
	if s.Slow {
		window = ssdpSlowWindow
	}
	if !s.Gateway.Is4() {
		answered(Answer{Protocol: UPnP, Err: fmt.Errorf("%v is not an IPv4 gateway, which UPnP needs", s.Gateway)})
		return
	}
	newHunt(s, window, answered).run(ctx, s.Known)
}

// hunt is the state of one search. One goroutine owns it.
type hunt struct {
	guard    *guard
	window   time.Duration
	search   func(ctx context.Context, heard func(ssdpAnswer)) error
	log      *slog.Logger
	answered func(Answer)

	permanent bool            // what Device.Permanent shall say of a service that is found
	udn       string          // if it is of this device, where that is known
	seen      map[string]bool // descriptions that were or are being read; true: the search has named it
	others    int             // of them, those of devices that do not call themselves a gateway
	pending   int             // being read
	found     chan finding
	best      *finding // what was reported
	failure   error    // the last reason why a description was of no use
}

// finding is what reading one description came to.
type finding struct {
	location string
	known    bool // it is the one that worked last time
	device   Device
	rated
	err error
}

func newHunt(s Search, window time.Duration, answered func(Answer)) *hunt {
	log := s.Log
	if log == nil {
		log = slog.Default()
	}
	return &hunt{
		guard:    newGuard(s.Gateway, s.Local),
		window:   window,
		search:   newSSDPSearch(s, window, log).run,
		log:      log,
		answered: answered,

		permanent: s.Permanent,
		udn:       s.UDN,
		seen:      make(map[string]bool),
		found:     make(chan finding, maxLocations+1), // never full: a reader does not wait
	}
}

func (h *hunt) run(parent context.Context, known string) {
	ctx, cancel := context.WithCancel(parent)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()

	if known != "" {
		h.read(ctx, &readers, known, true)
	}
	heard := make(chan ssdpAnswer)
	var searchErr error
	readers.Go(func() {
		defer close(heard)
		searchErr = h.search(ctx, func(a ssdpAnswer) {
			select {
			case heard <- a:
			case <-ctx.Done():
			}
		})
	})
	for listening := heard; listening != nil || h.pending > 0; {
		select {
		case a, open := <-listening:
			if !open {
				listening = nil
			} else if a.gateway {
				h.read(ctx, &readers, a.location, false)
			} else if h.others < maxOthers && h.read(ctx, &readers, a.location, false) {
				h.others++
			}
		case f := <-h.found:
			h.pending--
			if h.take(ctx, f) {
				return
			}
		}
	}
	if h.best == nil {
		h.answered(Answer{Protocol: UPnP, Err: h.reason(parent, searchErr)})
	}
}

// read starts to read a description, unless that was done or the bound is reached.
func (h *hunt) read(ctx context.Context, readers *sync.WaitGroup, location string, known bool) (started bool) {
	u, moved, err := gatewayURL(location, h.guard.gateway)
	if err != nil {
		h.log.Debug("UPnP search: address of a description not used", "error", err)
		if !known {
			h.failure = fmt.Errorf("UPnP description %w", err)
		}
		return false
	}
	key := u.String()
	if _, before := h.seen[key]; before {
		h.seen[key] = true
		return false
	}
	if len(h.seen) >= maxLocations {
		return false
	}
	h.seen[key] = !known
	if moved {
		h.log.Info("UPnP: the router names another host for its description, it is read from the gateway",
			"named", cleanText(location, maxWords), "read", key)
	}
	h.pending++
	readers.Go(func() {
		f := h.open(ctx, u)
		f.known = known
		h.found <- f
	})
	return true
}

// open reads a description and picks its best service.
func (h *hunt) open(ctx context.Context, location *url.URL) finding {
	f := finding{location: location.String()}
	text, err := h.guard.get(ctx, location)
	if err != nil {
		f.err = err
		return f
	}
	d, err := parseDescription(text, location, h.guard)
	if err != nil {
		f.err = err
		return f
	}
	f.device = d.device
	if f.rated, err = d.choose(ctx); err != nil {
		f.err = fmt.Errorf("%s %w", location, err)
	}
	return f
}

// take reports a finding if it is the first, or certainly better than what was reported. It
// returns true when there is nothing left to search for.
func (h *hunt) take(ctx context.Context, f finding) (over bool) {
	switch {
	case f.err != nil:
		h.log.Debug("UPnP search: description not used", "error", f.err)
		if h.seen[f.location] {
			h.failure = f.err
		}
		if f.known {
			delete(h.seen, f.location) // if the search names it again, it counts
		}
		return false
	case h.best != nil && !h.beaten(ctx, &f):
		return false
	}
	h.best = &f
	f.device.Permanent = h.permanent && (h.udn == "" || h.udn == f.device.UDN)
	h.answered(Answer{Protocol: UPnP, Client: newUPnPClient(f.device, f.service), Outer: f.outer})
	return f.known
}

// beaten compares a finding with the one that was reported. Questions are asked only now that there
// are two; the mapping does not wait for them.
func (h *hunt) beaten(ctx context.Context, f *finding) bool {
	ctx, cancel := context.WithTimeout(ctx, rankTimeout)
	defer cancel()
	for _, r := range []*rated{&h.best.rated, &f.rated} {
		if r.score == scoreUnknown {
			*r = rate(ctx, r.service)
		}
		if h.best.score == scoreInternet && !h.best.service.legacy {
			return false
		}
	}
	return ctx.Err() == nil && f.better(h.best.rated)
}

// reason says why there is no UPnP, in the words that help most.
func (h *hunt) reason(ctx context.Context, searchErr error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("UPnP search: %w", ctx.Err())
	case h.failure != nil:
		return h.failure
	case searchErr != nil:
		return searchErr
	}
	return fmt.Errorf("UPnP search of %v: %w", h.window, ErrNoAnswer)
}
