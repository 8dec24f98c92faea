package web

import (
	"io"
	"net/http"

	"github.com/portsitter/portsitter/daemon"
)

// worst is the verdict that the title and the picture in the tab show: the port that is furthest
// from being reachable counts.
func worst(st *daemon.Status) daemon.Verdict {
	order := []daemon.Verdict{daemon.NotReady, daemon.Unknown, daemon.Checking, daemon.Ready, daemon.Reachable}
	for _, v := range order {
		for _, p := range st.Ports {
			if known(p.Verdict) == v {
				return v
			}
		}
	}
	return daemon.Unknown
}

// known takes any verdict that this page has no picture for as unknown.
func known(v daemon.Verdict) daemon.Verdict {
	switch v {
	case daemon.Reachable, daemon.Ready, daemon.NotReady, daemon.Checking:
		return v
	}
	return daemon.Unknown
}

// sign is how a verdict looks: in a shape first, so that nobody has to tell green from red.
type sign struct {
	Words   string // the verdict for people
	Glyph   string // its shape in the title
	picture string // its shape in the tab: SVG on 32 by 32
}

const (
	inWhite = ` fill="none" stroke="#fff"`
	inGreen = ` fill="none" stroke="#11733f"`
	inBlue  = ` fill="none" stroke="#1668b8"`
)

func signOf(v daemon.Verdict) sign {
	switch known(v) {
	case daemon.Reachable:
		return sign{"Reachable", "●", `<circle cx="16" cy="16" r="15" fill="#11733f"/><path d="M9 16.5l5 5 9-10"` + inWhite + `/>`}
	case daemon.Ready:
		return sign{"Ready to host", "◉", `<circle cx="16" cy="16" r="14"` + inGreen + `/><path d="M10 16.5l4.5 4.5 8-9"` + inGreen + `/>`}
	case daemon.NotReady:
		return sign{"You cannot host now", "▲", `<path d="M16 2L31 30H1z" fill="#c62828"/><path d="M16 12v8m0 5v.1"` + inWhite + `/>`}
	case daemon.Checking:
		return sign{"Checking", "◌", `<circle cx="16" cy="16" r="14" stroke-dasharray="5 6"` + inBlue + `/><circle cx="16" cy="16" r="4" fill="#1668b8"/>`}
	}
	return sign{"Not known yet", "○", `<path d="M16 1l15 15-15 15L1 16z" fill="#5a6672"/><path d="M16 9v8m0 5v.1"` + inWhite + `/>`}
}

func (s *Server) serveFavicon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">`+
		`<g stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round">`+
		signOf(worst(s.sitter.Status())).picture+`</g></svg>`)
}
