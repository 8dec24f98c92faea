package route

import "time"

// How a burst of events becomes wakes: one at once, one when things have been quiet for settleShort
// (an interface that comes up makes a dozen events), and one more settleLong after the last event,
// because a DHCP server or a router that starts takes its time. Events that never stop do not put the
// settled look off for longer than settleLong.
const (
	settleShort = time.Second
	settleLong  = 10 * time.Second
)

// debounce decides when to wake. It is pure: the time is given to it. The zero value is quiet.
type debounce struct {
	stage stage
	first time.Time // first event of the burst
	last  time.Time // last event
}

type stage int

const (
	quiet    stage = iota
	bursting       // woken once, settled look after settleShort to come
	settled        // settled look done, the late one after settleLong to come
)

// event notes that something has happened and reports whether to wake now.
func (d *debounce) event(now time.Time) bool {
	leading := d.stage != bursting
	if leading {
		d.first = now
	}
	d.stage, d.last = bursting, now
	return leading
}

// due is when to wake next without another event; ok is false when that is never.
func (d *debounce) due() (at time.Time, ok bool) {
	switch d.stage {
	case bursting:
		at, latest := d.last.Add(settleShort), d.first.Add(settleLong)
		if at.After(latest) {
			at = latest
		}
		return at, true
	case settled:
		return d.last.Add(settleLong), true
	}
	return time.Time{}, false
}

// woken notes that the wake of due has been made.
func (d *debounce) woken() {
	if d.stage == bursting {
		d.stage = settled
	} else {
		d.stage = quiet
	}
}
