package daemon

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
)

// internetRung asks whether the router's outer address is the one the internet sees.
func (s *state) internetRung(p *portState) rung {
	outer, seen := s.lastOuter(p), s.seenAddr()
	kind := publicip.KindOf(outer)
	switch {
	case s.offline():
		return broken(StepInternet, NoInternet, fmt.Sprintf("The router says that it has no address on the internet now; it had %s", s.router.lastOuter), s.publicReasons())
	case p.mapping != nil && !seen.IsValid() && refusedAs(s.router.outer.Err, portmap.NoOuterAddress):
		return unknown(StepInternet, "The router says that it has no address on the internet", s.publicReasons())
	case !outer.IsValid() && p.up.mapping != nil:
		return unknown(StepInternet, fmt.Sprintf("The second router (%s) does not tell its outer address, or has fallen silent", s.upstream.hop.Value), s.publicReasons())
	case !outer.IsValid() && seen.IsValid():
		if p.mapping == nil && !p.manual {
			return unknown(StepInternet, fmt.Sprintf("The internet sees %s; the router does not tell its own outer address", seen), s.publicReasons())
		}
		return ok(StepInternet, fmt.Sprintf("The internet sees %s", seen),
			"The router does not tell its own outer address, so the two could not be compared.")
	case !outer.IsValid():
		return unknown(StepInternet, "The public address is not known yet", s.publicReasons())
	case kind == publicip.CarrierNAT:
		return broken(StepInternet, CarrierNAT, fmt.Sprintf("The router's outer address %s is shared by the provider (carrier NAT)", outer), s.publicReasons())
	case kind != publicip.Public:
		return broken(StepInternet, DoubleNAT, fmt.Sprintf("The router's outer address %s is not a public one", outer), s.upstreamReasons(p))
	case seen.IsValid() && seen != outer:
		return broken(StepInternet, PublicAddressDiffers, fmt.Sprintf("The internet sees %s, the router says %s", seen, outer), s.publicReasons())
	case !seen.IsValid():
		return ok(StepInternet, fmt.Sprintf("The router's outer address is %s", outer),
			strings.TrimSpace("Nobody on the internet has confirmed it yet. "+s.publicReasons()))
	}
	detail := "The router and the internet agree."
	if p.up.mapping != nil {
		detail = fmt.Sprintf("It is the second router's (%s), which leads the port to yours.", s.upstream.hop.Value)
	}
	return ok(StepInternet, fmt.Sprintf("The public address is %s", outer), detail)
}

// outerAddr is the router's word about its outer address, if it counts; not valid otherwise.
func (s *state) outerAddr() netip.Addr {
	if o := s.router.outer; o.Known() && s.settings.PublicIP.Router {
		return o.Value.Addr
	}
	return netip.Addr{}
}

// seenAddr is the address that the internet sees: get-ip's word, unless STUN and the router agree
// on another one.
func (s *state) seenAddr() netip.Addr {
	http, stun := s.public.http, s.public.stun
	switch {
	case http.Known() && stun.Known() && stun.Value == s.outerAddr():
		return stun.Value
	case http.Known():
		return http.Value
	case stun.Known():
		return stun.Value
	}
	return netip.Addr{}
}

// publicSettled reports whether everybody who could tell the public address has been asked.
func (s *state) publicSettled() bool {
	u, set := &s.public, s.settings.PublicIP
	return (u.http.Asked() || len(set.HTTP) == 0) && (u.stun.Asked() || len(set.STUN) == 0) && s.router.outer.Asked()
}

// publicReasons says who could not tell the public address, and why.
func (s *state) publicReasons() string {
	var out []string
	for _, f := range []Fact[netip.Addr]{s.public.http, s.public.stun} {
		if f.Err != nil {
			out = append(out, f.Err.Error())
		}
	}
	if err := s.router.outer.Err; err != nil {
		out = append(out, err.Error())
	}
	return strings.Join(out, "; ")
}

// upstreamReasons says what is known about the second router.
func (s *state) upstreamReasons(p *portState) string {
	u, out := &s.upstream, []string{}
	switch {
	case u.hop.Err != nil:
		out = append(out, u.hop.Err.Error())
	case !u.hop.Known():
	case p.up.no.err != nil:
		out = append(out, fmt.Sprintf("the second router (%s): %s", u.hop.Value, p.up.no.err))
	case s.settings.Router.Upstream && u.rounds > 0:
		out = append(out, fmt.Sprintf("the second router (%s) answers neither NAT-PMP nor UPnP", u.hop.Value))
	default:
		out = append(out, fmt.Sprintf("the second router is %s", u.hop.Value))
	}
	if r := s.publicReasons(); r != "" {
		out = append(out, r)
	}
	return strings.Join(out, "; ")
}
