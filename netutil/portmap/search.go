package portmap

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Ports are the well-known ports of the protocols. The zero value means the standard ones; tests
// and the demo point them at a router in software on loopback.
type Ports struct {
	PMP      uint16 // NAT-PMP and PCP: 5351
	Announce uint16 // announcements of NAT-PMP and PCP: 5350
	SSDP     uint16 // searches of UPnP: 1900

	SSDPNotify uint16 // announcements of UPnP: 1900
}

// Search asks one gateway by every protocol at once.
type Search struct {
	Gateway   netip.Addr
	Local     netip.Addr // our address facing the gateway: every socket is bound to it
	Interface int        // index of the interface, for multicast; 0 = let the system choose
	Protocols []Protocol // which to ask; nil = all
	Known     string     // description URL that worked with this router last time, "" = none
	Permanent bool       // this router took only permanent UPnP entries last time, see Device
	UDN       string     // and this was its unique device name: another one's are not tied to it; "" = not told
	Slow      bool       // listen for UPnP answers for 10 s instead of 3 s
	Ports     Ports
	Log       *slog.Logger // nil = slog.Default()
	Drops     *Drops       // counts what is heard and not used; nil = nothing
}

// Answer is one protocol's result in a Search.
type Answer struct {
	Protocol Protocol
	Client   Client // nil: this protocol is not to be had, and Err says why
	Outer    Outer  // what the answer told about the router, if anything
	Err      error  // beside a Client: the protocol is there, and this *Refusal is what it said to the question
}

// Run asks, and calls answered for every protocol as soon as it is known whether it is to be had;
// calls come one at a time, in the order of arrival, but that NAT-PMP's lets PCP's go before it if
// that is only milliseconds behind. UPnP may answer again when a better service shows up. Run returns when every protocol has had its answer or ctx ends; a protocol whose
// question ctx cut short is not known, and gets no answer. Nothing is written to the router.
//
// PCP is asked with ANNOUNCE, which every server has to know (RFC 6887 section 14.1): a router that
// answers MAP but stays silent on ANNOUNCE is not found, since asking MAP would be a write. NAT-PMP
// is asked for the external address.
func (s Search) Run(ctx context.Context, answered func(Answer)) {
	// These packets leave before anything else is done: a start-up waits for their answers.
	var questions []func() Answer
	if s.asks(PCP) {
		questions = append(questions, s.askPCP(ctx))
	}
	if s.asks(NATPMP) {
		questions = append(questions, s.askNATPMP(ctx))
	}
	answers := make(chan Answer)
	var asking sync.WaitGroup
	for _, wait := range questions {
		asking.Go(func() { answers <- wait() })
	}
	if s.asks(UPnP) {
		asking.Go(func() { s.upnp(ctx, func(a Answer) { answers <- a }) })
	}
	go func() {
		asking.Wait()
		close(answers)
	}()
	s.deliver(answers, func(a Answer) {
		if a.Client != nil || ctx.Err() == nil {
			answered(a)
		}
	})
}

// pcpGrace is how long a NAT-PMP answer waits for PCP's: a router that speaks both answers them in
// one breath, and which one is read first is chance.
const pcpGrace = 20 * time.Millisecond

// deliver passes answers on as they come, but NAT-PMP's only after PCP's or when that had its chance.
func (s Search) deliver(answers <-chan Answer, answered func(Answer)) {
	var held *Answer
	var over <-chan time.Time
	release := func() {
		if held != nil {
			answered(*held)
		}
		held, over = nil, nil
	}
	pcp := !s.asks(PCP) // it has been heard, or is not asked
	for {
		select {
		case a, more := <-answers:
			switch {
			case !more:
				release()
				return
			case a.Protocol == NATPMP && !pcp:
				held, over = &a, time.After(pcpGrace)
			default:
				pcp = pcp || a.Protocol == PCP
				answered(a)
				if pcp {
					release()
				}
			}
		case <-over:
			release()
		}
	}
}

func (s Search) asks(p Protocol) bool {
	return s.Protocols == nil || slices.Contains(s.Protocols, p)
}

func (s Search) askPCP(ctx context.Context) func() Answer {
	c := newPCPClient(s.Gateway, s.Local, s.Ports)
	wait := c.sendAnnounce(ctx)
	return func() Answer {
		outer, err := wait()
		return probed(c, outer, err)
	}
}

func (s Search) askNATPMP(ctx context.Context) func() Answer {
	c := newNATPMPClient(s.Gateway, s.Local, s.Ports)
	wait := c.sendExternal(ctx)
	return func() Answer {
		outer, err := wait()
		return probed(c, outer, err)
	}
}

// probed makes the Answer of a first question. A refusal, too, proves that the protocol is spoken,
// unless it is the version that was refused: such an answer tells no epoch.
func probed(c Client, outer Outer, err error) Answer {
	a := Answer{Protocol: c.Name(), Outer: outer, Err: err}
	var no *Refusal
	if err == nil || errors.As(err, &no) && outer.HasEpoch {
		a.Client = c
	}
	return a
}
