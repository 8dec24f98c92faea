package daemon

import (
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// weekFault is something that happens to the home, and how it ends; without an end it is over at
// once.
type weekFault struct {
	name  string
	begin func(*week)
	end   func(*week)

	noGame bool // a check is part of it, and none is made under a game
}

// Where no poll can tell: PCP and NAT-PMP have no read-back, so an entry that vanished behind the
// router's back shows at the renewal; that nothing is forwarded shows at a check; and another public
// address that the router does not know of shows when STUN is asked.
const (
	untilRenewal = 31 * time.Minute
	untilCheck   = time.Hour
	tablePoll    = 67 * time.Second
	besidePCP    = 77 * time.Second // the address by UPnP, the shortest lease of these weeks, the mapping by UPnP
	untilSTUN    = 24 * time.Minute // STUN every 10 min here, and the other source has to agree
)

var weekFaults = []weekFault{
	{name: "nothing", begin: func(*week) {}},
	{name: "reboot", begin: func(w *week) { w.Reboot(false); w.strangersMove() }},
	{name: "reboot, other URL", begin: func(w *week) { w.Reboot(true); w.strangersMove() }},
	{name: "power cut", begin: func(w *week) { w.PowerOff() }, end: func(w *week) { w.PowerOn(w.draw.IntN(2) == 0); w.strangersMove() }},
	{name: "mapping service crashes", begin: func(w *week) { w.Crash() }, end: func(w *week) { w.Return() }},
	{name: "flush", begin: func(w *week) { w.hide(untilRenewal); w.Flush(); w.strangersMove() }},
	{name: "a protocol falls silent", begin: func(w *week) { w.mute(simhome.Silent) }, end: (*week).unmute},
	{name: "a protocol is switched off", begin: func(w *week) { w.mute(simhome.Off) }, end: (*week).unmute},
	{name: "mapping is denied", begin: func(w *week) { w.with(func(f *simhome.Faults) { f.Deny = true }) },
		end: func(w *week) { w.with(func(f *simhome.Faults) { f.Deny = false }) }},
	{name: "other PC takes the port", begin: func(w *week) { w.hide(untilRenewal); w.takes(other, 27886) },
		end: func(w *week) { w.Release(portmap.UDP, 27886) }},
	{name: "renumbered by DHCP", begin: (*week).newAddress},
	{name: "cable pulled", begin: func(w *week) { w.moveTo(route.Report{}, route.ErrNoGateway) }, end: (*week).backOnline},
	{name: "new public address", begin: func(w *week) { w.hideAddress(); w.Renumber(w.anotherPublic()) }},
	{name: "outer address is private", begin: func(w *week) { w.hideAddress(); w.SetOuter(netip.MustParseAddr("10.0.0.7")) }, end: (*week).outerAgain},
	{name: "carrier NAT", begin: func(w *week) { w.hideAddress(); w.SetOuter(netip.MustParseAddr("100.64.9.9")) }, end: (*week).outerAgain},
	{name: "the internet sees another address", begin: func(w *week) { w.hide(untilSTUN); w.SetPublic(w.anotherPublic()) },
		end: func(w *week) { w.SetPublic(w.Outer()) }},
	{name: "WAN down", begin: func(w *week) { w.hideFromPCP(); w.SetWAN(false) }, end: func(w *week) { w.SetWAN(true) }},
	{name: "slow answers", begin: func(w *week) { w.with(func(f *simhome.Faults) { f.Slow = w.between(0, 2*time.Second) }) },
		end: func(w *week) { w.with(func(f *simhome.Faults) { f.Slow = 0 }) }},
	{name: "packets are lost", begin: func(w *week) { w.with(func(f *simhome.Faults) { f.LossEvery = 2 + w.draw.IntN(3) }) },
		end: func(w *week) { w.with(func(f *simhome.Faults) { f.LossEvery = 0 }) }},
	{name: "nothing is forwarded", begin: func(w *week) { w.hide(untilCheck); w.with(func(f *simhome.Faults) { f.NotForwarding = true }) },
		end: func(w *week) { w.with(func(f *simhome.Faults) { f.NotForwarding = false }); w.askFor() }, noGame: true},
	{name: "entries stall", begin: func(w *week) { w.hide(untilCheck); w.Stall() }, end: (*week).askFor, noGame: true},
	{name: "announcements are not heard", begin: func(w *week) { w.deaf.Store(!w.deaf.Load()) }},
	{name: "the checker is down", begin: func(w *week) { w.checkerIs(true) }, end: func(w *week) { w.checkerIs(false) }},
	{name: "restart", begin: func(w *week) { w.restart(w.end) }},
	{name: "stop, start later", begin: func(w *week) { w.stopping.Store(true); w.house.stop(); w.away = true; w.stopping.Store(false) }, end: (*week).start},
	{name: "kill -9, restart", begin: func(w *week) { w.restart(w.kill) }},
	{name: "kill -9, start later", begin: (*week).kill, end: (*week).start},
	{name: "new settings", begin: (*week).newSettings},
	{name: "clock set forward", begin: func(w *week) { w.setClock(w.between(time.Minute, 24*time.Hour)) }},
	{name: "clock set back", begin: func(w *week) { w.setClock(-w.between(time.Minute, 365*24*time.Hour)) }},
}

func (w *week) with(change func(*simhome.Faults)) { w.Configure(change) }

// hideAddress: an epoch that goes on, and comes without the outer address, tells nothing of another one.
func (w *week) hideAddress() {
	if w.Faults().EpochGoesOn {
		w.hideFromPCP()
	}
}

// hideFromPCP: its epoch comes without the outer address, which is asked for as often as a table is
// read back.
func (w *week) hideFromPCP() {
	switch {
	case slices.Contains(w.speaks, portmap.NATPMP):
	case slices.Contains(w.speaks, portmap.PCP) && slices.Contains(w.speaks, portmap.UPnP):
		w.hide(besidePCP)
	default:
		w.hide(tablePoll)
	}
}

func (w *week) hide(d time.Duration) { w.hidden = d }

// strangersMove puts an entry of another host into the table, which has lost it.
func (w *week) strangersMove() {
	w.takes(netip.MustParseAddr("192.168.1.60"), 30000)
}

// takes lets another host have a port.
func (w *week) takes(host netip.Addr, external uint16) {
	w.Take(host, portmap.UDP, external)
	w.taken.Store(external, time.Now())
}

// mute makes one protocol or all of them fall silent; unmute ends it.
func (w *week) mute(how simhome.Reach) {
	kept := w.Faults()
	which := w.draw.IntN(4)
	w.muted = &kept
	w.with(func(f *simhome.Faults) {
		for i, r := range []*simhome.Reach{&f.PCP, &f.PMP, &f.UPnP} {
			if which == 3 || which == i {
				*r = how
			}
		}
	})
}

func (w *week) unmute() {
	w.with(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = w.muted.PCP, w.muted.PMP, w.muted.UPnP })
}

func (w *week) newAddress() {
	a := w.Self().As4()
	if a[3]++; a[3] == 50 {
		a[3] = 100
	}
	to := netip.AddrFrom4(a)
	w.ours.Store(to, true)
	w.tell("this PC is " + to.String())
	w.renumber(to)
}

func (w *week) backOnline() {
	r := home
	r.Route.Local = w.Self()
	w.moveTo(r, nil)
}

func (w *week) anotherPublic() netip.Addr {
	a := outside.As4()
	a[2], a[3] = byte(1+w.draw.IntN(200)), byte(1+w.draw.IntN(200))
	return netip.AddrFrom4(a)
}

func (w *week) outerAgain() {
	public, _ := w.Public()
	w.SetOuter(public)
}

func (w *week) checkerIs(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checkerDown = down
}

func (w *week) restart(end func()) {
	w.stopping.Store(true)
	end()
	w.stopping.Store(false)
	w.start()
}

// setClock sets the PC's clock; it is noticed, or not.
func (w *week) setClock(by time.Duration) {
	w.skew.Add(int64(by))
	if w.draw.IntN(2) == 0 {
		w.wake("clock")
	}
}

// askFor is a person who wonders, and asks for a check, after the cool-down of the one before.
func (w *week) askFor() {
	d := w.d
	go func() {
		if sleep(w.t.Context(), checkCoolDown+10*time.Second) {
			d.Check(w.t.Context(), "", false)
		}
	}()
}

func (w *week) newSettings() {
	w.settings.Router.Lease = w.between(10*time.Minute, time.Hour).Truncate(time.Second)
	w.settings.Router.ReadBack = time.Minute
	w.tell("lease " + w.settings.Router.Lease.String())
	w.d.Configure(w.settings, nil)
}

// host starts a game as soon as no stand-in holds the port.
func (w *week) host() {
	for w.standing.Load() {
		w.pass(time.Second)
	}
	w.tell("a game hosts")
	w.gameIs(true)
	w.hostedAt.Store(time.Now().UnixNano())
}

func (w *week) leave() {
	w.tell("the game is closed")
	w.hostedAt.Store(0)
	w.gameIs(false)
}

func (w *week) gameIs(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosting = on
}
