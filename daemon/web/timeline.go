package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

const (
	maxTimeline = 24 // events on the page; /api/v1/history has all
	newest      = 8  // of them are seen without asking for more
)

// timeline is what happened, newest first.
func (v viewer) timeline(st *daemon.Status, history []daemon.Event) h.Node {
	var list []h.Node
	for _, e := range slices.Backward(history) {
		if len(list) == maxTimeline {
			break
		}
		list = append(list, v.event(st, e))
	}
	if len(list) == 0 {
		return card("timeline", "timeline", "Timeline", h.E("p", h.Class("quiet"), h.Text("Nothing has happened yet.")))
	}
	seen := min(len(list), newest)
	rest, all := h.Node(nil), h.Node(nil)
	if n := len(history) - maxTimeline; n > 0 {
		all = h.E("p", h.Class("quiet"), h.E("a", h.A("href", "/api/v1/history"), h.Text(strconv.Itoa(n)+" before that")))
	}
	if len(list) > seen {
		rest = h.E("details", h.A("id", "earlier"), h.E("summary", h.A("id", "earlier-more"), h.Text("Earlier")), h.E("ol", list[seen:]...), all)
	}
	return card("timeline", "timeline", "Timeline", h.E("ol", list[:seen]...), rest)
}

func (v viewer) event(st *daemon.Status, e daemon.Event) h.Node {
	words := e.Text
	if !v.several { // there is no doubt which port it is about
		words = strings.TrimPrefix(words, e.Port+": ")
	}
	shut := h.Node(nil)
	if e.Shut > 0 {
		shut = h.E("span", h.Class("shut"), h.Text(" It was shut for "+long(seconds(e.Shut))+"."))
	}
	sign := "dot"
	switch {
	case e.Kind != "verdict":
	case e.Code.Open():
		sign = "ok"
	case e.Code != daemon.Starting && e.Code != daemon.Stopped && e.Code != daemon.AddressUnknown:
		sign = "broken"
	default:
		sign = "skipped"
	}
	return h.E("li", h.Class("s-"+sign), momentOf(e.At, v.now).node(), mark("m-"+sign), h.E("p", v.t(words), shut))
}
