package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/kaillera"
)

// This file runs the check from outside: a computer on the internet knocks at the port, and the game
// answers, or our stand-in while no game is hosting. The manners are the point of it: a check can
// throw an opponent out of a match, so while somebody holds the port it takes a person's word, and
// happens once.

// CheckOrder is one question to the checkers.
type CheckOrder struct {
	Servers []string // checkers, in the order to try
	Local   netip.Addr
	Port    uint16 // the external port
	Via     string
	Game    string           // kaillera or any
	Asking  func(url string) // is told which of them is asked next
	Hold    checker.Hold     // takes the port for the stand-in once a checker's connection stands; nil while a game hosts
}

// Answerer is a stand-in that has the port.
type Answerer interface {
	// Serve answers until ctx ends or Close is called.
	Serve(ctx context.Context) (kaillera.Report, error)
	// Close frees the port: when it returns, a game can have it.
	Close() error
}

// checkState is what is known about the checks of one port.
type checkState struct {
	id      uint64 // of the check that runs or ran last
	running bool
	asked   bool   // by a person
	words   string // what it is doing
	checker string // whom it asks; "" while it has not begun to
	begun   time.Time
	last    Fact[checkResult]

	recheck  bool      // the mapping was made anew because a check had failed: check once more
	again    bool      // the check that runs is that one
	repaired time.Time // when that was last done
}

// checkResult is what one check came to.
type checkResult struct {
	answer  checker.Answer
	standIn bool // nobody was hosting, and we answered
	asked   bool
	tries   int
	repair  bool      // it came after a repair
	mapped  bool      // it was our mapping that let it in; else a forward made by hand
	visits  int       // visitors that the stand-in has seen, in all tries together
	knocked time.Time // not before this
}

// errHostingNow means that somebody began to host while the check was about to begin.
var errHostingNow = errors.New("somebody began to host meanwhile, and a match is not disturbed")

// errNobodyAnswersFor means that nobody hosts and the stand-in is switched off.
var errNobodyAnswersFor = errors.New("nobody is hosting, and the stand-in that would answer is switched off in the settings: host a game and check again")

// HostingError says that a check needs a person's word, because somebody holds the port.
type HostingError struct{ Who string }

func (e *HostingError) Error() string {
	return fmt.Sprintf("%s holds the port: a check shows up in its window and can, rarely, throw an opponent out; ask for it all the same if you want it", e.Who)
}

// NoPortError says that the settings have no port of that name.
type NoPortError struct{ Name string }

func (e *NoPortError) Error() string { return fmt.Sprintf("there is no port %q", e.Name) }

// NotCheckableError says that a port is opened, but no checker can knock at it.
type NotCheckableError struct{ Name string }

func (e *NotCheckableError) Error() string {
	return fmt.Sprintf("port %q is TCP: it is opened, but not checked from outside", e.Name)
}

// Check asks for a check of one port ("" = the first) and returns its number, to be found again as
// outside.id in the Status. Within 30 s of the last one it returns that one's number. While somebody
// holds the port it needs whileHosting, else the error is a *HostingError.
func (d *Daemon) Check(ctx context.Context, port string, whileHosting bool) (id uint64, err error) {
	done := make(chan struct{})
	d.tell(ctx, func() {
		defer close(done)
		id, err = d.askedForCheck(port, whileHosting)
	})
	select {
	case <-done:
		return id, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (d *Daemon) askedForCheck(name string, whileHosting bool) (uint64, error) {
	i := d.state.portNamed(name)
	if i < 0 {
		return 0, &NoPortError{name}
	}
	p := &d.state.ports[i]
	if p.port.Transport != "udp" {
		return 0, &NotCheckableError{p.port.Name}
	}
	now := d.world.Now()
	if p.checking(now) || p.check.last.Asked() && now.Sub(p.check.last.At) < checkCoolDown {
		p.check.asked, p.check.last.Value.asked = true, true // a person wants to know
		return p.check.id, nil
	}
	held, err := d.world.Bound(p.port.Transport, p.port.Port)
	if err == nil && held && !whileHosting {
		return 0, &HostingError{p.holderWords()}
	}
	d.startCheck(i, true, whileHosting)
	return p.check.id, nil
}

// startCheck begins a check beside the loop.
func (d *Daemon) startCheck(i int, asked, whileHosting bool) {
	p, s := &d.state.ports[i], d.state
	now := d.world.Now()
	c := &p.check
	if !c.recheck { // a check after a repair is the same check, as far as anybody who waits is concerned
		s.checks++
		c.id = s.checks
	}
	c.running, c.asked, c.words = true, asked, "getting ready"
	if !c.recheck {
		c.begun, c.checker = now, ""
	}
	run := checkRun{
		d: d, id: c.id, whileHosting: whileHosting, repair: c.recheck, mapped: p.mapping != nil,
		transport: p.port.Transport, port: p.port.Port, standIn: s.settings.Checker.StandIn,
		order: CheckOrder{Servers: s.settings.Checker.URLs, Local: s.way().Local, Port: p.openPort(),
			Via: s.settings.Checker.Via, Game: p.port.Game},
	}
	if !asked && !c.recheck {
		s.memory = s.memory.withCheck(now)
	}
	c.again, c.recheck = c.recheck, false
	d.job(d.checking, func(ctx context.Context) {
		f := run.run(ctx)
		d.tell(ctx, func() { d.state.learnCheck(run.id, f) })
	})
}

// checkRun is one check under way. It touches no state but through tell.
type checkRun struct {
	d               *Daemon
	id              uint64
	whileHosting    bool
	repair, standIn bool
	mapped          bool
	transport       string
	port            uint16
	order           CheckOrder
	visits          int
	knocked         time.Time
}

func (r *checkRun) run(ctx context.Context) Fact[checkResult] {
	result := checkResult{repair: r.repair, mapped: r.mapped}
	fail := func(err error) Fact[checkResult] {
		return Fact[checkResult]{Value: result, Err: err, At: r.d.world.Now()}
	}
	held, err := r.d.world.Bound(r.transport, r.port)
	switch {
	case err != nil:
		return fail(fmt.Errorf("it could not be found out whether somebody is hosting: %w", err))
	case held && !r.whileHosting:
		return fail(errHostingNow)
	case !held && !r.standIn:
		return fail(errNobodyAnswersFor)
	}
	tries := 1 // a game is hosting: a second try would meet the half-open host of the first
	if !held {
		tries, result.standIn = standInTries, true
		r.order.Hold = func() (func(), error) { return r.hold(ctx) }
	}
	r.order.Asking = func(url string) { r.say(ctx, func(c *checkState) { c.checker = url }) }
	for try := 1; ; try++ {
		r.say(ctx, func(c *checkState) { c.words = fmt.Sprintf("try %d of %d", try, tries) })
		r.knocked = r.d.world.Now()
		answer, err := r.ask(ctx)
		if err != nil && (try == 1 || errors.Is(err, errHostingNow)) {
			return fail(err)
		}
		if err == nil { // else the tries before have answered
			result.answer, result.tries, result.visits, result.knocked = answer, try, r.visits, r.knocked
		}
		if result.answer.Reachable || try == tries || !sleep(ctx, checkApart) {
			return known(result, r.d.world.Now())
		}
	}
}

// ask puts the question once, and a second time to a checker that is busy and says for how long.
func (r *checkRun) ask(ctx context.Context) (checker.Answer, error) {
	answer, err := r.d.world.AskChecker(ctx, r.order)
	var busy *checker.Failure
	if errors.As(err, &busy) && busy.Reason == checker.Busy && busy.RetryAfter > 0 && busy.RetryAfter <= mostBusy &&
		sleep(ctx, busy.RetryAfter) {
		return r.d.world.AskChecker(ctx, r.order)
	}
	return answer, err
}

// say tells what the check is doing.
func (r *checkRun) say(ctx context.Context, note func(*checkState)) {
	r.d.tell(ctx, func() {
		if i := r.d.state.portOfCheck(r.id); i >= 0 {
			note(&r.d.state.ports[i].check)
		}
	})
}

// hold takes the port for the stand-in. It looks twice: a hosting emulator closes and opens its port
// whenever a player leaves, and must find it free.
func (r *checkRun) hold(ctx context.Context) (release func(), err error) {
	for look := range 2 {
		if look > 0 && !sleep(ctx, lookTwiceApart) {
			return nil, ctx.Err()
		}
		held, err := r.d.world.Bound(r.transport, r.port)
		if err != nil {
			return nil, err
		}
		if held {
			return nil, errHostingNow
		}
	}
	standIn, err := r.d.world.StandIn(ctx, r.port)
	if err != nil {
		if errors.Is(err, kaillera.ErrPortTaken) {
			return nil, errHostingNow
		}
		return nil, err
	}
	r.knocked = r.d.world.Now() // the checker waits for this
	ctx, cancel := context.WithTimeout(ctx, standInTime)
	served := make(chan kaillera.Report, 1)
	go func() {
		report, _ := standIn.Serve(ctx)
		served <- report
	}()
	return func() {
		standIn.Close()
		cancel()
		r.visits += len((<-served).Visitors)
	}, nil
}
