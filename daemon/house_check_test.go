package daemon

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/kaillera"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
)

// The PC of the house: its game, its stand-in, and the checker on the internet that knocks at both.

func checkSettings() configs.Settings {
	s := testSettings()
	s.Checker = configs.Checker{URLs: []string{"https://checker.test/kaillera/p2p-check"}, StandIn: true, Automatic: true}
	return s
}

func (h *house) bound(string, uint16) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hosting || h.standing.Load(), nil
}

func (h *house) owner(context.Context, string, uint16) (portowner.Owners, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var o portowner.Owners
	if h.hosting && !h.unseen {
		o.Port = append(o.Port, portowner.Holder{PID: 4242, Process: "Project64KSE.exe", Emulator: true})
	}
	if h.standing.Load() {
		o.Port = append(o.Port, portowner.Holder{PID: 1, Process: "portsitter", Self: true})
	}
	if h.elsewhere {
		o.Elsewhere = append(o.Elsewhere, portowner.Holder{PID: 4243, Process: "Project64KSE.exe", Addr: netip.MustParseAddrPort("0.0.0.0:27890"), Emulator: true})
	}
	return o, nil
}

// answerer is the stand-in of the house.
type answerer struct {
	h    *house
	done chan struct{}
}

func (h *house) standIn(context.Context, uint16) (Answerer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hosting {
		return nil, kaillera.ErrPortTaken
	}
	h.standing.Store(true)
	h.standIns.Add(1)
	return &answerer{h, make(chan struct{})}, nil
}

func (a *answerer) Serve(ctx context.Context) (kaillera.Report, error) {
	select {
	case <-ctx.Done():
		a.Close()
	case <-a.done:
	}
	if a.h.deafVisitor {
		return kaillera.Report{Visitors: make([]kaillera.Visitor, 1)}, nil
	}
	return kaillera.Report{}, nil
}

func (a *answerer) Close() error {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	if a.h.standing.Swap(false) {
		close(a.done)
	}
	return nil
}

// askChecker knocks as a stranger would.
func (h *house) askChecker(ctx context.Context, o CheckOrder) (checker.Answer, error) {
	h.mu.Lock()
	h.checks.Add(1)
	down, takes := h.checkerDown, h.checkTakes
	h.mu.Unlock()
	if down {
		sleep(ctx, takes)
		return checker.Answer{}, &checker.Failure{URL: o.Servers[0], Reason: checker.NotReached, Detail: "connection refused"}
	}
	if o.Hold != nil {
		release, err := o.Hold()
		if err != nil {
			return checker.Answer{}, err
		}
		defer release()
	}
	if !sleep(ctx, takes+100*time.Millisecond) {
		return checker.Answer{}, errors.New("interrupted")
	}
	to, in := h.Deliver(portmap.UDP, o.Port)
	h.mu.Lock()
	defer h.mu.Unlock()
	public, _ := h.Public()
	answers := h.standing.Load() && !h.deafVisitor || h.hosting && !h.gameStuck
	return checker.Answer{Reachable: in && to.Addr() == self && answers, Address: netip.AddrPortFrom(public, o.Port), Checker: o.Servers[0]}, nil
}

// check asks for a check and waits until it is over.
func (h *house) check(whileHosting bool) (uint64, error) {
	id, err := h.d.Check(context.Background(), "", whileHosting)
	h.pass(20 * time.Second)
	return id, err
}
