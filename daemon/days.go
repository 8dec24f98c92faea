package daemon

import (
	"maps"
	"net/netip"
	"slices"
	"sort"
	"time"
)

// Days is what is known about the past days: which hours each port was open or shut, and how the
// public address changed.
type Days struct {
	Ports     []PortDays      `json:"ports"`     // in the order of the settings
	Addresses []AddressChange `json:"addresses"` // oldest first
}

// PortDays are the days of one port, oldest first; the last one is today.
type PortDays struct {
	Port string `json:"port"` // its name
	Days []Day  `json:"days"`
}

// Day is a day in this PC's time zone. What is neither open nor shut of an hour was not watched, or
// is still to come. The hour that is repeated when summer ends has up to 7200 seconds.
type Day struct {
	Date string  `json:"date"` // 2026-11-20
	Open [24]int `json:"open"` // seconds of each hour
	Shut [24]int `json:"shut"`
}

// AddressChange is a new public address.
type AddressChange struct {
	At      time.Time  `json:"at"`
	Address netip.Addr `json:"address"`
}

const (
	shownDays = 30
	// markEvery is the time without an event after which the history gets a line that says "still
	// here": without it nobody could tell a quiet day from a PC that was off. Together with the two
	// renewals of a lease in an hour that is six writes.
	markEvery = 15 * time.Minute
	// watchedWithin is how far apart two lines may be that have a running program between them. The
	// loop turns at least once a minute; a PC that slept is not watching.
	watchedWithin = markEvery + 2*time.Minute
	maxSpans      = 2000 // of one port; the oldest go
	maxPortNames  = 100  // in one history: settings change
	maxAddresses  = 500
)

// ledger is the history in its shortest form, from which Days are painted.
type ledger struct {
	last      time.Time // of the last event
	doors     map[string]bool
	spans     map[string][]span
	addresses []AddressChange
}

func newLedger() *ledger { return &ledger{doors: map[string]bool{}, spans: map[string][]span{}} }

// span is a stretch of time in which a port was open, or shut. What lies between two spans was not
// watched.
type span struct {
	from, to time.Time
	open     bool
}

// add takes in the next event.
func (l *ledger) add(e Event) {
	if gap := e.At.Sub(l.last); e.Kind != "start" && gap > 0 && gap <= watchedWithin {
		for port, open := range l.doors {
			l.extend(port, span{l.last, e.At, open})
		}
	}
	l.last = e.At
	switch e.Kind {
	case "start":
		clear(l.doors)
	case "alive":
		for port := range l.doors {
			if _, kept := e.Codes[port]; !kept && e.Codes != nil {
				delete(l.doors, port)
			}
		}
		for port, code := range e.Codes {
			l.learn(port, code)
		}
	case "verdict":
		l.learn(e.Port, e.Code)
	case "address":
		l.move(AddressChange{e.At, e.Address})
	}
}

// move takes in the public address; a start tells the same one again.
func (l *ledger) move(a AddressChange) {
	n := len(l.addresses)
	if a.Address.IsValid() && (n == 0 || l.addresses[n-1].Address != a.Address) {
		l.addresses = append(l.addresses, a)
		l.addresses = l.addresses[max(n+1-maxAddresses, 0):]
	}
}

// learn takes in what a diagnosis says about a door. A port that is opened again after something was
// lost is shut; one that nobody has seen open yet is not known.
func (l *ledger) learn(port string, code Code) {
	if len(l.doors) >= maxPortNames {
		return
	}
	_, known := l.doors[port]
	switch {
	case code.Open():
		l.doors[port] = true
	case code == Stopped, code == AddressUnknown, code == "":
		delete(l.doors, port)
	case code != Starting || known:
		l.doors[port] = false
	}
}

func (l *ledger) extend(port string, s span) {
	spans := l.spans[port]
	if n := len(spans); n > 0 && spans[n-1].open == s.open && spans[n-1].to.Equal(s.from) {
		spans[n-1].to = s.to
		return
	}
	if spans == nil && len(l.spans) >= maxPortNames {
		return
	}
	spans = append(spans, s)
	l.spans[port] = spans[max(len(spans)-maxSpans, 0):]
}

// clone is a copy that may be added to while others read the original.
func (l *ledger) clone() *ledger {
	c := *l
	c.doors, c.spans, c.addresses = maps.Clone(l.doors), maps.Clone(l.spans), slices.Clone(l.addresses)
	for port, spans := range c.spans {
		c.spans[port] = slices.Clone(spans)
	}
	return &c
}

// after returns a ledger of what past says and then l.
func (l *ledger) after(past *ledger) *ledger {
	all := past.clone()
	for port, spans := range l.spans {
		for _, s := range spans {
			all.extend(port, s)
		}
	}
	for _, a := range l.addresses {
		all.move(a)
	}
	all.last, all.doors = l.last, maps.Clone(l.doors)
	return all
}

// days paints the last n days up to now, in now's time zone.
func (l *ledger) days(ports []string, now time.Time, n int) Days {
	out := Days{Ports: []PortDays{}, Addresses: []AddressChange{}}
	year, month, today := now.Date()
	edges := make([]time.Time, 24*n+1) // where hours meet
	for i := range edges {
		edges[i] = time.Date(year, month, today-n+1, i, 0, 0, 0, now.Location())
	}
	for _, port := range ports {
		p := PortDays{Port: port, Days: make([]Day, n)}
		for i := range p.Days {
			p.Days[i].Date = edges[24*i].Format(time.DateOnly)
		}
		for _, s := range l.spans[port] {
			p.paint(s, edges, now)
		}
		out.Ports = append(out.Ports, p)
	}
	for _, a := range l.addresses {
		if !a.At.Before(edges[0]) && !a.At.After(now) {
			out.Addresses = append(out.Addresses, a)
		}
	}
	return out
}

// paint adds one span to the hours it touches.
func (p *PortDays) paint(s span, edges []time.Time, now time.Time) {
	if s.to.After(now) { // the clock was set back since
		s.to = now
	}
	first := sort.Search(len(edges)-1, func(i int) bool { return edges[i+1].After(s.from) })
	for i := first; i < len(edges)-1 && edges[i].Before(s.to); i++ {
		from, to := later(edges[i], s.from), earlier(edges[i+1], s.to)
		whole := int(edges[i+1].Sub(edges[i]) / time.Second)
		day, h := &p.Days[i/24], i%24
		seconds := int(to.Sub(from).Round(time.Second) / time.Second)
		seconds = min(seconds, whole-day.Open[h]-day.Shut[h]) // spans overlap where the clock was set back
		if seconds <= 0 {
			continue
		}
		if s.open {
			day.Open[h] += seconds
		} else {
			day.Shut[h] += seconds
		}
	}
}

// Days paints the last 30 days of every configured port, up to now.
func (d *Daemon) Days() Days {
	now := d.world.Now()
	l := d.ledger.Load().clone()
	if !d.Status().stopped() {
		l.add(Event{At: now, Kind: "alive"})
	}
	var ports []string
	for _, p := range d.Status().Ports {
		ports = append(ports, p.Name)
	}
	return l.days(ports, now, shownDays)
}

// starting reports whether a port is still about to be opened for the first time.
func (s *Status) starting() bool {
	return slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Code == Starting })
}

func (s *Status) stopped() bool { return len(s.Ports) > 0 && s.Ports[0].Code == Stopped }
