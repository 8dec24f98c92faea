package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
)

// Ladder is what is known about one port, rung by rung, and what it comes to.
type Ladder struct {
	Diagnosis
	Steps   []Step
	Address string // what an opponent types; "" while there is none to offer
}

// rung is one judged rung: a step, and the code it gives when it is broken.
type rung struct {
	Step
	code Code
}

func ok(id, summary, detail string) rung {
	return rung{Step: Step{ID: id, State: StepOK, Summary: summary, Detail: detail}}
}

func unknown(id, summary, detail string) rung {
	return rung{Step: Step{ID: id, State: StepUnknown, Summary: summary, Detail: detail}}
}

func skipped(id, summary string) rung {
	return rung{Step: Step{ID: id, State: StepSkipped, Summary: summary}}
}

func broken(id string, code Code, summary, detail string) rung {
	return rung{Step: Step{ID: id, State: StepBroken, Summary: summary, Detail: detail}, code: code}
}

// ladders judges every port.
func ladders(s *state, now time.Time) []Ladder {
	network, router := s.networkRung(), s.routerRung()
	ls := make([]Ladder, len(s.ports))
	for i := range s.ports {
		p := &s.ports[i]
		ls[i] = s.ladder(p, []rung{network, router, s.internetRung(p), s.mappingRung(p, now),
			p.firewallRung(), p.gameRung(), s.outsideRung(p, now)}, now)
	}
	return ls
}

// ladder finds the first broken rung: it is the headline, and what is below it is not judged.
func (s *state) ladder(p *portState, rungs []rung, now time.Time) Ladder {
	l := Ladder{}
	code, settled := CodeReady, true
	last, counts := p.outside()
	if counts && last.answer.Reachable {
		if _, still := s.lingering(p); !last.mapped && still {
			openAnyway(rungs, "The router's entry from before still holds")
		} else if !last.mapped {
			openAnyway(rungs, "Forwarded by hand")
		}
		if !last.mapped || !slices.ContainsFunc(rungs[:4], func(r rung) bool { return r.State == StepUnknown }) {
			code = CodeReachable
		}
	}
	for i, r := range rungs {
		if r.State == StepUnknown && i < 4 { // network, router, internet, mapping
			settled = false
		}
		if r.State == StepBroken {
			code = r.code
			for j := i + 1; j < len(rungs); j++ {
				if rungs[j].ID != StepOutside || !p.check.last.Asked() {
					rungs[j] = skipped(rungs[j].ID, "Not judged while a step above is broken")
				} else if rungs[j].State == StepBroken { // one broken rung is the headline
					rungs[j] = skipped(rungs[j].ID, rungs[j].Summary)
					rungs[j].Detail = p.checkWords()
				}
			}
			break
		}
	}
	for _, r := range rungs {
		if r.At.IsZero() {
			r.At = s.lookedAt(p, r.ID).UTC()
		}
		l.Steps = append(l.Steps, r.Step)
	}
	switch {
	case s.stopped:
		code = Stopped
	case code == CodeReachable:
		l.Address = s.address(p)
		code = s.displacedCode(p, code)
	case code != CodeReady:
	case !settled && rungs[3].State == StepOK && s.publicSettled():
		code = AddressUnknown
	case !settled:
		code = Starting
	case p.repairing(now):
		code = Starting
	default:
		l.Address = s.address(p)
		if p.check.last.Err != nil && p.check.last.Value.asked && !p.check.last.At.Before(p.changed) {
			code = CheckerDown
		}
		code = s.displacedCode(p, code)
	}
	c := s.clues(p, l.Address)
	if p.repairing(now) {
		c.lostWhy = "The router's entry let nothing in"
	}
	l.Diagnosis = diagnose(code, c)
	if p.checking(now) && p.check.asked && !s.stopped {
		l.Verdict = Checking
	}
	return l
}

// displacedCode is the code of a port that is open under another external port than configured.
func (s *state) displacedCode(p *portState, code Code) Code {
	if p.elsewhere == 0 || p.mapping == nil {
		return code
	}
	if _, ours := s.ownOld(p); ours {
		return OwnOldEntry
	}
	return OtherExternalPort
}

func (s *state) networkRung() rung {
	f := s.route
	switch {
	case !f.Asked():
		return unknown(StepNetwork, "Looking for the way out", "")
	case errors.Is(f.Err, route.ErrOnlyTunnel):
		return broken(StepNetwork, VPNInTheWay, "The only way out is a VPN", f.Err.Error())
	case f.Err != nil:
		return broken(StepNetwork, NoNetwork, "No way out of this PC", f.Err.Error())
	}
	if s.closed() {
		return broken(StepNetwork, PublicNetwork, "Windows calls this network Public", "Nothing is opened on such a network, so that a laptop opens no port in a hotel or a café.")
	}
	r, detail := f.Value.Route, ""
	if d := f.Value.Detour; d.IsValid() {
		detail = fmt.Sprintf("This PC's own traffic leaves another way, from %s: most likely a VPN. The port is opened on the home router all the same.", d)
	}
	return ok(StepNetwork, fmt.Sprintf("This PC is %s on %s; the router is %s", r.Local, r.Interface, r.Gateway), detail)
}

func (s *state) routerRung() rung {
	r := &s.router
	if len(r.clients) > 0 {
		return ok(StepRouter, "The router answers "+joinWords(r.names()), r.reasons(s.protocols()))
	}
	if r.rounds > 0 {
		return broken(StepRouter, NoRouterAnswer,
			fmt.Sprintf("The router at %s answers none of %s", s.way().Gateway, joinWords(protocolNames(s.protocols()))),
			r.reasons(s.protocols()))
	}
	return unknown(StepRouter, "Asking the router", r.reasons(s.protocols()))
}

// names are the protocols the router answers, as people write them.
func (r *routerState) names() []string {
	var ps []portmap.Protocol
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		if r.clients[p] != nil {
			ps = append(ps, p)
		}
	}
	return protocolNames(ps)
}

// reasons says why the other protocols are not to be had.
func (r *routerState) reasons(protocols []portmap.Protocol) string {
	var out []string
	for _, p := range protocols {
		if r.clients[p] == nil && r.errs[p] != nil {
			out = append(out, r.errs[p].Error())
		}
	}
	return strings.Join(out, "; ")
}

func protocolNames(ps []portmap.Protocol) []string {
	var out []string
	for _, p := range ps {
		out = append(out, map[portmap.Protocol]string{portmap.PCP: "PCP", portmap.NATPMP: "NAT-PMP", portmap.UPnP: "UPnP"}[p])
	}
	return out
}

func (s *state) mappingRung(p *portState, now time.Time) rung {
	if m := p.mapping; m != nil {
		return s.mappedRung(p, *m)
	}
	if p.manual && (p.unsure || s.router.clients[portmap.UPnP] == nil) {
		return unknown(StepMapping, "Forwarded by hand, when the router last answered", "")
	}
	if p.manual {
		return ok(StepMapping, fmt.Sprintf("Forwarded by hand: port %d leads to %s", p.port.ExternalPort, p.entry.Value.Internal),
			"Portsitter leaves this entry alone.")
	}
	if s.router.rounds > 0 || !s.refusedByAll(p) {
		return unknown(StepMapping, "The router has not granted the port yet", p.reasons(s.protocols()))
	}
	code, summary := s.whyNot(p)
	return broken(StepMapping, code, summary, strings.TrimSpace(p.takeoverWords()+" "+p.reasons(s.protocols())))
}

func (s *state) mappedRung(p *portState, m portmap.Mapping) rung {
	summary := fmt.Sprintf("Port %d leads to %s (%s)", m.External.Port(), m.Internal, protocolNames([]portmap.Protocol{m.Protocol})[0])
	if s.router.clients[m.Protocol] == nil {
		return unknown(StepMapping, summary+", but the router has fallen silent", p.reasons(s.protocols()))
	}
	if p.unsure {
		return unknown(StepMapping, summary+": seeing whether the router, which was away, still holds it", p.reasons(s.protocols()))
	}
	if p.vain > 0 && p.reads < 2 && m.Protocol == portmap.UPnP {
		return unknown(StepMapping, summary+": seeing whether the router keeps it", p.reasons(s.protocols()))
	}
	detail := "The router has granted it."
	if p.elsewhere != 0 {
		detail = fmt.Sprintf("Port %d is held by %s. %s", p.port.ExternalPort, cmp.Or(addrText(s.holder(p)), "another device"), detail)
		detail = strings.TrimSpace(detail + " " + p.takeoverWords())
	}
	if !p.verified.IsZero() {
		detail = strings.Replace(detail, "The router has granted it.", "The router has confirmed since that it holds the entry.", 1)
	}
	return ok(StepMapping, summary, strings.TrimSpace(detail+" "+p.reasons(s.protocols())))
}

// address is what an opponent types.
func (s *state) address(p *portState) string {
	a := s.lastOuter(p)
	if last, counts := p.outside(); counts && last.answer.Reachable && last.answer.Address.IsValid() {
		a = last.answer.Address.Addr() // proven
	}
	if !a.IsValid() {
		a = s.seenAddr()
	}
	return netip.AddrPortFrom(a, p.openPort()).String()
}

func (s *state) clues(p *portState, address string) clues {
	w := s.way()
	c := clues{port: p.port.ExternalPort, transport: p.port.Transport, address: address, noOuter: p.noOuter(), leftBehind: p.leftBehind, leftForGood: p.leftForGood, full: p.full(), perhapsFull: p.perhapsFull(), takenOut: p.takenOut, lostWhy: p.lostWhy}
	c.gateway, c.local = addrText(w.Gateway), addrText(w.Local)
	c.outer, c.public = addrText(s.outerAddr()), addrText(s.seenAddr())
	c.holder = addrText(s.holder(p))
	if s.upstream.hop.Known() {
		c.hop = addrText(s.upstream.hop.Value)
	}
	c.asksUpstream = s.settings.Router.Upstream
	c.external, c.internal = p.want(), p.port.Port
	c.firewall, c.opening = p.firewall.last.Value.Firewall, p.firewall.last.Value.Next
	if old, ours := s.ownOld(p); ours {
		c.oldEnds = old.Expires
	}
	last, counts := p.outside()
	c.proven = counts && last.answer.Reachable
	c.cameIn = counts && last.cameIn()
	if e := p.owners.Value.Elsewhere; p.owners.Known() && len(e) > 0 {
		c.game, c.elsewhere = e[0].Process, e[0].Addr.Port()
	}
	c.why = p.checkWords()
	return c
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func upper(s string) string { return strings.ToUpper(s) }

func joinWords(ws []string) string {
	if len(ws) < 2 {
		return strings.Join(ws, "")
	}
	return strings.Join(ws[:len(ws)-1], ", ") + " and " + ws[len(ws)-1]
}
