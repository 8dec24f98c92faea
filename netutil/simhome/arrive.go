package simhome

import (
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// fate is what becomes of a request before the router looks into it.
type fate int

const (
	answered fate = iota
	refused       // the port is closed
	dropped       // no answer, ever
	reset         // the connection breaks
)

// arrive notes a request and tells its fate. leave has to be called when it has been dealt with,
// whatever its fate.
func (h *Home) arrive(p portmap.Protocol, op Op, from netip.Addr) (f fate, slow time.Duration, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &h.tally
	now := h.now()
	l.add(Request{At: now, Protocol: p, Op: op, From: from})
	l.inFlight++
	l.most = max(l.most, l.inFlight)

	http := p == portmap.UPnP && op != OpSearch
	f = h.reach(p)
	if !http && f == answered {
		l.datagram++
		if n := h.faults.LossEvery; n > 0 && l.datagram%n == 0 {
			f = dropped
		}
	}
	if http {
		tooClose := !l.lastSOAP.IsZero() && now.Sub(l.lastSOAP) < h.faults.ResetWithin
		if f == answered && (tooClose || h.faults.ResetOnParallel && l.soap > 0) {
			f = reset
		}
		l.soap++
		l.lastSOAP = now
	}
	return f, h.faults.Slow, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		l.inFlight--
		if http {
			l.soap--
		}
	}
}

// reach tells whether a protocol is there at all. A router without power drops everything; one
// whose mapping service crashed closes the ports.
func (h *Home) reach(p portmap.Protocol) fate {
	switch h.state {
	case off:
		return dropped
	case crashed:
		return refused
	}
	switch h.faults.reach(p) {
	case Off:
		return refused
	case Silent:
		return dropped
	}
	return answered
}
