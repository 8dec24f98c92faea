package web

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// maxRequestBody bounds what a POST may carry. None of ours needs any.
const maxRequestBody = 4 << 10

// contentPolicy lets the page load its own style, script and picture, speak to its own server, and
// nothing else; nobody may frame it.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// walls stands before every route.
func (s *Server) walls(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This request comes from another site. Portsitter takes such requests only from its own page.", http.StatusForbidden)
	}))
	guarded := guard.Handler(limitBody(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if !s.calledRight(r) { // before the password: it is not to be typed into a page of somebody else's name
			http.Error(w, fmt.Sprintf("This is not the address of a Portsitter page: %q. Open it as http://localhost, "+
				"or add the name to hosts in [page] of the settings.", text(r.Host)), http.StatusMisdirectedRequest)
			return
		}
		if s.admits(w, r) {
			guarded.ServeHTTP(w, r)
		}
	})
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// limitBody reads a body to its end, so that a handler never meets one, and refuses a long one.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxRequestBody))
		var long *http.MaxBytesError
		switch {
		case errors.As(err, &long):
			http.Error(w, fmt.Sprintf("The body is longer than %d bytes.", maxRequestBody), http.StatusRequestEntityTooLarge)
		case err != nil:
			http.Error(w, "The body did not arrive whole.", http.StatusBadRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// calledRight reports whether the Host header is a name or address of ours. With a page that listens
// on every address that is the one that the connection has come in on.
func (s *Server) calledRight(r *http.Request) bool {
	name := hostName(r.Host)
	if s.hosts[name] {
		return true
	}
	local, _ := ends(r)
	called, err := netip.ParseAddr(name)
	return err == nil && local.IsValid() && called.Unmap() == local.WithZone("")
}

// hostNames is what a Host header may carry besides a port.
func hostNames(o Options) map[string]bool {
	names := map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}
	for _, a := range o.Listen {
		if !a.Addr().IsUnspecified() { // a browser on this PC reaches itself by 0.0.0.0, and any site can send it there
			names[a.Addr().Unmap().WithZone("").String()] = true
		}
	}
	for _, h := range o.Hosts {
		names[hostName(h)] = true
	}
	delete(names, "")
	return names
}

// hostName is the name in a Host header in its plain form: lower case, without port, brackets and
// final dot. The port is let go on purpose: DNS rebinding needs a name of the attacker's, and
// through a tunnel (ssh -L 8080:localhost:27880) an honest request carries another port than ours.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// wantsPage reports whether a person's browser sent this form, so that the answer must be a page.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// pageAfter is where a form without JavaScript goes back to: the page as it was.
func pageAfter(r *http.Request) string { return pageAsking(r, false) }

// shown reports whether the page was asked to show hidden addresses.
func shown(u *url.URL) bool { return u.Query().Get("show") == "1" }
