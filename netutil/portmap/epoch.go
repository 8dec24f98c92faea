package portmap

import "time"

// EpochClock notices that a router has lost its table: it watches whether the epoch that the
// router tells goes on as time does. Keep one for each gateway and protocol, and throw it away
// with the route. The zero value, with Protocol set, is ready.
//
// A false alarm costs one renewal; a loss that went unnoticed would close the door until the lease
// is half over. So what is doubtful counts as a loss.
type EpochClock struct {
	// Protocol chooses the rule: PCP's of RFC 6887 section 8.5, which minds an epoch that is too
	// high as well, or for NATPMP the gentler one of RFC 6886 section 3.6.
	Protocol Protocol

	at    time.Time
	epoch uint32
	seen  bool
}

// Lost takes the epoch of an answer or announcement received at the given time, and reports
// whether the router must have lost its table since the epoch before. The first one is always
// believed. Give times with their monotonic reading, as time.Now does.
func (c *EpochClock) Lost(at time.Time, epoch uint32) bool {
	lost := false
	if c.seen {
		elapsed := elapsedBy(at.Round(0).Sub(c.at.Round(0)), at.Sub(c.at))
		if c.Protocol == NATPMP {
			lost = natpmpEpochLost(c.epoch, epoch, elapsed)
		} else {
			lost = pcpEpochLost(c.epoch, epoch, elapsed)
		}
	}
	c.at, c.epoch, c.seen = at, epoch, true
	return lost
}

// elapsedBy is how long it has been, by two clocks that both can fall short: the monotonic one
// stands still while the PC sleeps, the wall clock can be set back. So the larger one is right,
// but for a wall clock that was set forward, which costs a false alarm.
func elapsedBy(wall, monotonic time.Duration) time.Duration {
	return max(wall, monotonic, 0)
}

// pcpEpochLost is the test of RFC 6887 section 8.5: one second backwards is a packet overtaken on
// the way; else both clocks may differ by a sixteenth and two seconds.
func pcpEpochLost(last, now uint32, elapsed time.Duration) bool {
	client := elapsed.Seconds()
	server := epochDelta(last, now, client)
	return server < -1 ||
		client+2 < server-server/16 ||
		server+2 < client-client/16
}

// natpmpEpochLost is the test of RFC 6886 section 3.6: the router's clock may run an eighth slower
// than ours, and two seconds.
func natpmpEpochLost(last, now uint32, elapsed time.Duration) bool {
	client := elapsed.Seconds()
	return epochDelta(last, now, client) < client*7/8-2
}

// epochDelta is how many seconds the router's clock went on, negative when it went back. That it
// ran over after 136 years (or that a router counts from an odd start) is believed only when that
// fits the time elapsed, for a reset looks the same.
func epochDelta(last, now uint32, elapsed float64) float64 {
	if around := float64(now - last); now < last && around <= elapsed*9/8+2 {
		return around
	}
	return float64(now) - float64(last)
}
