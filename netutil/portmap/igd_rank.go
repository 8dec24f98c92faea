package portmap

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

// rankTimeout bounds the questions that are asked to choose between services.
const rankTimeout = 5 * time.Second

// score says how likely a service is the one that leads to the internet.
type score int

const (
	scoreUnknown  score = iota // nobody has asked
	scoreMute                  // it answers nothing
	scoreDown                  // it answers, but is neither connected nor public
	scorePublic                // it has a public address, but does not say that it is connected
	scoreLinked                // connected, with an address that is not public: another router in front
	scoreInternet              // connected, with a public address
)

// rated is a service and what asking it has shown.
type rated struct {
	service *service
	score   score
	outer   Outer
}

// better reports whether r is certainly a better choice than s.
func (r rated) better(s rated) bool {
	if r.score != s.score {
		return r.score > s.score
	}
	return s.service.legacy && !r.service.legacy
}

// choose picks the service that leads to the internet. A single one is taken unseen, since a
// question would delay the mapping; but the DSL Forum's older services have to prove themselves,
// because some routers describe them only to refuse everybody without a password.
func (d *igd) choose(ctx context.Context) (rated, error) {
	if len(d.services) == 1 && !d.services[0].legacy {
		return rated{service: d.services[0]}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, rankTimeout)
	defer cancel()
	best := rated{service: d.services[0]}
	for _, s := range d.services {
		r := rate(ctx, s)
		if best.score == scoreUnknown || r.better(best) {
			best = r
		}
		if best.score == scoreInternet || ctx.Err() != nil {
			break
		}
	}
	if best.service.legacy && best.score <= scoreMute {
		return rated{}, errNoService
	}
	return best, nil
}

// rate asks a service for its state and its outer address (GetStatusInfo, GetExternalIPAddress:
// WANIPConnection:1 sections 2.4.6 and 2.4.18).
func rate(ctx context.Context, s *service) rated {
	r := rated{service: s, score: scoreMute}
	var status struct{ NewConnectionStatus string }
	statusErr := s.call(ctx, "GetStatusInfo", &struct{}{}, &status)
	outer, outerErr := s.external(ctx)
	if statusErr != nil && outerErr != nil {
		return r
	}
	r.outer = outer
	state := strings.TrimSpace(status.NewConnectionStatus)
	connected := strings.EqualFold(state, "Connected") || strings.EqualFold(state, "Up")
	switch {
	case connected && seemsPublic(outer.Addr):
		r.score = scoreInternet
	case connected:
		r.score = scoreLinked
	case seemsPublic(outer.Addr):
		r.score = scorePublic
	default:
		r.score = scoreDown
	}
	return r
}

// seemsPublic is good enough to choose between two services. What an address is worth is judged
// elsewhere.
func seemsPublic(a netip.Addr) bool {
	carrierNAT := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
	return a.Is4() && a.IsGlobalUnicast() && !a.IsPrivate() && !carrierNAT.Contains(a)
}
