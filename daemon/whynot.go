package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
)

// This file sorts what the router said no for.

// whyNot sorts the refusals of all protocols into one code.
func (s *state) whyNot(p *portState) (Code, string) {
	if holds, wrong := p.misdirected(); wrong { // also when that entry has ended meanwhile
		return WrongLocalAddress, fmt.Sprintf("The router's entry leads to %s", holds)
	}
	if holder, other := s.heldByOther(p); other && s.oneOfOurs(holder.Addr()) {
		return WrongLocalAddress, fmt.Sprintf("The router's entry leads to %s", holder)
	} else if other {
		return PortTaken, fmt.Sprintf("The router's entry belongs to %s", holder)
	}
	if s.taken(p) || p.elsewhere != 0 {
		return PortTaken, "The external port is taken"
	}
	for _, r := range p.refusals {
		if errors.Is(r.err, errNotKept) {
			return NotKept, "The router grants the port but does not keep it"
		}
	}
	if p.perhapsFull() {
		return MappingRefused, "The router refuses; most likely its table is full"
	}
	if p.full() {
		return MappingRefused, "The router's table is full"
	}
	return MappingRefused, "The router refuses"
}

// reasons are the refusals of a port, in the order of the protocols.
func (p *portState) reasons(protocols []portmap.Protocol) string {
	var out []string
	for _, protocol := range protocols {
		if r, no := p.refusals[protocol]; no {
			out = append(out, r.err.Error())
		}
	}
	return strings.Join(out, "; ")
}

// full reports whether a refusal says that the router has no room.
func (p *portState) full() bool {
	for _, r := range p.refusals {
		if refusedAs(r.err, portmap.Full) {
			return true
		}
	}
	return false
}

// perhapsFull reports whether that follows only from 402, which it says to every kind of lease.
func (p *portState) perhapsFull() bool {
	var no *portmap.Refusal
	return p.full() && errors.As(p.refusals[portmap.UPnP].err, &no) && no.Code == 402
}

// noOuter reports whether the refusals are the ones a router gives when its outer side is not
// public: UPnP 501, NAT-PMP 3, PCP NO_RESOURCES.
func (p *portState) noOuter() bool {
	some := false
	for _, r := range p.refusals {
		var no *portmap.Refusal
		if errors.As(r.err, &no) {
			if no.Kind != portmap.NoOuterAddress {
				return false
			}
			some = true
		}
	}
	return some
}

// oneOfOurs reports whether an address is one that this PC has toward some other way out.
func (s *state) oneOfOurs(a netip.Addr) bool {
	return s.route.Known() && slices.ContainsFunc(s.route.Value.Candidates, func(c route.Candidate) bool { return c.Local == a })
}
