package service

import (
	"context"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/kaillera"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// silentSearch: nobody has answered yet, and nobody ever will.
func silentSearch(s scene) {
	s.world.Search = func(ctx context.Context, _ daemon.SearchOrder, _ func(portmap.Answer)) { <-ctx.Done() }
}

// lineCut: the provider's line goes dead a moment after the port was opened.
func lineCut(s scene) {
	time.AfterFunc(2*time.Second, func() { s.home.SetWAN(false) })
}

// nobodyTells: a router whose UPnP opens ports but knows no outer address, and no internet source.
func nobodyTells(s scene) {
	s.home.Configure(func(f *simhome.Faults) { f.PCP, f.PMP = simhome.Off, simhome.Off })
	s.home.SetOuter(netip.IPv4Unspecified())
	s.settings.PublicIP.HTTP, s.settings.PublicIP.STUN = nil, nil
	s.settings.Checker.Automatic = false // a check would tell the address
}

// movedHouse: the PC has another address than last time, and the router lets nobody but the old one
// remove what the old one has asked for.
func movedHouse(s scene) {
	former := s.home.Self().As4()
	former[3]++
	port := s.settings.Ports[0].ExternalPort
	inside := netip.AddrPortFrom(netip.AddrFrom4(former), port)
	s.home.Configure(func(f *simhome.Faults) { f.SecureMode, f.OtherPort = true, true })
	s.home.Take(inside.Addr(), portmap.UDP, port)
	s.memory.Entries = append(s.memory.Entries, daemon.OwnEntry{
		Gateway: s.home.Gateway(), Protocol: portmap.UPnP, Transport: portmap.UDP,
		Internal: inside, External: port, Expires: time.Now().Add(time.Hour).Round(0),
	})
}

// deafVisitors: the checker's packets come in, and the answers to them get lost on the way out.
func deafVisitors(s scene) {
	take := s.world.StandIn
	s.world.StandIn = func(ctx context.Context, port uint16) (daemon.Answerer, error) {
		a, err := take(ctx, port)
		if err != nil {
			return nil, err
		}
		return mute{a}, nil
	}
}

// mute has the port and reports a visitor, but says nothing.
type mute struct{ daemon.Answerer }

func (mute) Serve(ctx context.Context) (kaillera.Report, error) {
	<-ctx.Done()
	return kaillera.Report{Visitors: make([]kaillera.Visitor, 1)}, nil
}
