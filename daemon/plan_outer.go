package daemon

import (
	"slices"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file plans the questions about the router itself, and about our address as others see it.

// outer plans the question that tells the router's outer address and, by the epoch, whether it has
// lost its table. One question serves all ports.
func (p *planner) outer() {
	protocol := p.s.outerProtocol()
	if protocol == "" || !p.s.router.outer.Asked() && p.aboutToMap() {
		return // nobody to ask; or the mapping comes first
	}
	at := p.s.router.outerDue
	if protocol == portmap.PCP && !p.s.onlyPCP() { // its ANNOUNCE tells no address, UPnP does
		at = earlier(at, p.s.router.addressDue)
		p.dec.Look.Address = !at.After(p.now) && !p.s.router.addressDue.After(p.now.Add(freshLook))
	}
	if p.due(at, "ask the router how it is") {
		p.dec.Look.Outer = protocol // beside the address, too: it is quicker to tell that nobody is there
	}
	if p.s.onlyPCP() {
		p.refresh()
	}
}

// aboutToMap reports whether this turn maps, or reads what has to be read before.
func (p *planner) aboutToMap() bool {
	return len(p.dec.Do) > 0 || slices.ContainsFunc(p.dec.Look.Entries, func(i int) bool { return p.s.ports[i].mapping == nil })
}

// refresh plans to ask for a mapping again where the router has nothing but PCP: the answer carries the
// outer address. An address that changed shows in the epoch, too, which has to start anew then (RFC
// 6887 section 8.5); a dead line to the provider would show at half of the lease.
func (p *planner) refresh() {
	i := p.s.heldByPCP()
	if i < 0 || len(p.dec.Do) > 0 {
		return
	}
	at := later(p.s.router.addressDue, p.s.ports[i].refusals[portmap.PCP].until) // who said no says for how long
	if p.due(at, "refresh the mapping, which tells the outer address") {
		p.dec.Do = append(p.dec.Do, Action{Kind: Map, Port: i, Protocol: portmap.PCP})
	}
}

// onlyPCP reports whether the router answers PCP and nothing else.
func (s *state) onlyPCP() bool {
	return len(s.router.clients) == 1 && s.router.clients[portmap.PCP] != nil
}

// heldByPCP is the first port that is mapped by PCP; -1: none is.
func (s *state) heldByPCP() int {
	return slices.IndexFunc(s.ports, func(p portState) bool { return p.mapping != nil && p.mapping.Protocol == portmap.PCP })
}

// outerProtocol is the client that tells most in one request.
func (s *state) outerProtocol() portmap.Protocol {
	for _, protocol := range []portmap.Protocol{portmap.NATPMP, portmap.PCP, portmap.UPnP} {
		if s.router.clients[protocol] != nil {
			return protocol
		}
	}
	return ""
}

// public plans to ask others for our address, never before the mapping has had its turn.
func (p *planner) public() {
	u := &p.s.public
	if u.asking || !p.s.settled() {
		return
	}
	set := p.s.settings.PublicIP
	http := len(set.HTTP) > 0 && p.due(u.httpDue, "ask for the public address")
	stun := len(set.STUN) > 0 && p.due(u.stunDue, "ask for the public address")
	if http || stun {
		p.dec.Do = append(p.dec.Do, Action{Kind: AskPublic})
	}
}
