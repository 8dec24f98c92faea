// Package daemon is the sitter: one loop that owns all state, and keeps the configured ports open
// on the home router.
//
// A pass of the loop observes (observe.go), decides (decide.go: pure), acts (act.go) and publishes
// (publish.go), and then waits until something is due, a job hands in a result, or the network
// changes. Long work (jobs.go) runs beside the loop. Everything else in the program reads the
// published Status, or hands the loop a request.
package daemon

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portsitter/portsitter/configs"
)

// Options is what a Daemon is made of.
type Options struct {
	Settings configs.Settings
	World    World
	Memory   Memory          // as loaded; the zero Memory knows nothing
	Past     iter.Seq[Event] // reads the stored history, oldest first, beside the loop; may be nil
	Notices  []string        // what a person should know from the start
	Version  string
	Demo     bool
	Log      *slog.Logger
}

// Daemon keeps the ports open. Make it with New, run it once with Run; all other methods may be
// called from anywhere at any time.
type Daemon struct {
	world   World
	log     *slog.Logger
	version string
	demo    bool
	past    iter.Seq[Event]

	// The loop's own.
	state     *state
	saved     Memory
	running   context.Context // of Run: jobs that a person asked for live as long
	notices   []string
	news      newsState
	next      time.Time
	lastSOAP  time.Time // when the last question to a UPnP router ended
	routeRead time.Time // when the system's routes were last read; zero: they have to be read
	leaving   int       // how many ports a farewell has to take back; 0: we stay
	hurried   time.Time // when a network change last ended the pauses after refusals
	saveAfter time.Time // a full disk is not tried again before
	unsaved   bool      // the last try to write the state has failed
	wrote     time.Time // when the history last got a line
	markedDay int       // of the year, of the last line that names every port

	// How others reach the loop.
	network      chan string     // 1 slot: the network may have changed; calls off a question under way
	inbox        chan func()     // results of jobs, run by the loop
	settings     chan configured // 1 slot
	disk         chan func()     // for the disk's goroutine
	jobs         sync.WaitGroup
	endSearch    context.CancelFunc // of the search that runs or ran last
	endListening context.CancelFunc // of the listener on the present route
	endPublic    context.CancelFunc // of the question for the public address that runs or ran last
	checking     context.Context    // of the checks from outside on the present route
	endChecks    context.CancelFunc

	// What others read.
	published atomic.Pointer[publication]
	history   atomic.Pointer[[]Event]
	ledger    atomic.Pointer[ledger]
	contacts  atomic.Pointer[[]Contact]
	turned    atomic.Int64 // unix nanoseconds of the last turn
}

type configured struct {
	settings configs.Settings
	err      error
}

// New makes a Daemon that has published a first Status: starting.
func New(o Options) *Daemon {
	d := &Daemon{
		world: o.World, log: o.Log, version: o.Version, demo: o.Demo, past: o.Past,
		state:        newState(o.Settings, o.Memory, o.World.Now()),
		saved:        o.Memory,
		notices:      o.Notices,
		network:      make(chan string, 1),
		inbox:        make(chan func(), 16),
		settings:     make(chan configured, 1),
		disk:         make(chan func(), 256),
		endSearch:    func() {},
		endListening: func() {},
		endPublic:    func() {},
		endChecks:    func() {},
	}
	d.history.Store(&[]Event{})
	d.ledger.Store(newLedger())
	d.learnContacts()
	d.publish(decide(d.state, d.state.started))
	return d
}

// maxWait bounds how long the loop sleeps when nothing is due: the system's notices about network
// changes are good, but not promised.
const maxWait = time.Minute

// Run keeps the ports open until ctx ends, then takes our entries out of the router within 3 s and
// returns nil.
func (d *Daemon) Run(ctx context.Context) error {
	d.running = ctx
	d.record(Event{At: d.state.started.UTC(), Kind: "start", Text: "Portsitter " + d.version + " has started"})
	d.job(ctx, d.watch)
	d.job(ctx, d.readPast)
	diskDone := make(chan struct{})
	go func() {
		defer close(diskDone)
		for f := range d.disk {
			f()
		}
	}()
	for ctx.Err() == nil {
		d.pass(ctx)
		d.wait(ctx)
	}
	d.jobs.Wait() // nothing else may talk to the router while we take leave of it
	d.farewell()
	close(d.disk)
	<-diskDone
	return nil
}

// maxTurns bounds one pass. A pass takes a few turns per port; a hundred mean that decide asks for
// what does not change the state, and the router must not pay for that.
const maxTurns = 200

// pass observes, decides and acts until there is nothing to do but wait.
func (d *Daemon) pass(ctx context.Context) {
	if d.routeDue() {
		d.observeRoute(ctx)
	}
	for range maxTurns {
		d.receive()
		if ctx.Err() != nil {
			return
		}
		now := d.world.Now()
		d.turned.Store(now.UnixNano())
		d.state.learnTime(now)
		dec := decide(d.state, now)
		d.next = dec.Next
		d.publish(dec)
		d.next = soonest(d.next, d.tellPeople(now))
		d.keep()
		d.mark(now)
		if len(dec.Do) == 0 && dec.Look.nothing() {
			return
		}
		if !d.act(ctx, dec.Do) || !d.observe(ctx, dec.Look) {
			d.observeRoute(ctx) // called off: the network changed
		}
	}
	d.log.Error("the loop goes in circles; pausing", "turns", maxTurns)
	d.next = d.world.Now().Add(10 * time.Second)
}

// wait returns when it is time for the next pass.
func (d *Daemon) wait(ctx context.Context) {
	now := d.world.Now()
	sleep := maxWait
	if !d.state.wayless.IsZero() {
		sleep = waylessPause(now.Sub(d.state.wayless))
	}
	if !d.next.IsZero() {
		sleep = min(sleep, d.next.Sub(now))
	}
	timer := time.NewTimer(max(sleep, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case why := <-d.network:
		d.networkChanged(why)
	case f := <-d.inbox:
		f()
	case c := <-d.settings:
		d.configure(c)
	}
}

// receive takes all that has come in without waiting.
func (d *Daemon) receive() {
	for {
		select {
		case f := <-d.inbox:
			f()
		case c := <-d.settings:
			d.configure(c)
		default:
			return
		}
	}
}

// networkChanged makes the loop ask at once whatever it was pausing for.
func (d *Daemon) networkChanged(why string) {
	d.log.Debug("the network may have changed", "why", why)
	now := d.world.Now()
	d.routeRead = time.Time{}
	r := &d.state.router
	if !r.running && len(r.clients) == 0 && !r.begun.IsZero() {
		r.again = now
	}
	r.outerDue, r.addressDue = now, now
	since := now.Sub(d.hurried)
	patient := since >= 0 && since < hurryApart // however often it changes, a router that said no is left some peace
	if !patient {
		d.hurried = now
	}
	for i := range d.state.ports {
		p := &d.state.ports[i]
		p.lookDue = now
		p.firewall.soon(now)
		if patient {
			continue
		}
		for protocol, no := range p.refusals {
			no.until = now
			p.refusals[protocol] = no
		}
	}
}

// Refresh asks the router again at once, whatever pause was planned. It never blocks.
func (d *Daemon) Refresh() {
	select {
	case d.inbox <- func() { d.networkChanged("asked for") }:
	default: // a loop that busy looks soon anyway
	}
}

func (d *Daemon) wake(reason string) {
	select {
	case d.network <- reason:
	default:
	}
}

// Configure hands in settings that were read anew, or the error of reading them: then the old ones
// stay and the error is shown.
func (d *Daemon) Configure(s configs.Settings, err error) {
	for {
		select {
		case d.settings <- configured{s, err}:
			return
		default:
		}
		select {
		case <-d.settings: // replaced by the newer one
		default:
		}
	}
}

// Turn makes the loop take a turn and returns nil when it does: the proof that it lives. The error
// is ctx's, when that ended first.
func (d *Daemon) Turn(ctx context.Context) error {
	turned := make(chan struct{})
	select {
	case d.inbox <- func() { close(turned) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-turned:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Alive tells when the loop last turned; the zero time if it never did.
func (d *Daemon) Alive() time.Time {
	if turned := d.turned.Load(); turned != 0 {
		return time.Unix(0, turned)
	}
	return time.Time{}
}
