package daemon

import (
	"fmt"
	"net/netip"
	"time"
)

// Event is one line of the timeline: something changed, in words.
type Event struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`           // start, verdict, address, network; alive: only in the file, for Days
	Port string    `json:"port,omitempty"` // name of the port it is about
	Code Code      `json:"code,omitempty"` // diagnosis after the change
	Text string    `json:"text,omitempty"` // for people
	Shut int64     `json:"shut,omitempty"` // seconds the port was not open before this event opened it again

	Address netip.Addr      `json:"address,omitzero"` // the new public one
	Codes   map[string]Code `json:"codes,omitempty"`  // of every port by name; in the first "alive" of a day
}

// maxEvents bounds the history that is kept in memory; the file keeps more.
const maxEvents = 500

// History is the timeline, oldest first. It must not be changed.
func (d *Daemon) History() []Event { return *d.history.Load() }

// prependHistory puts what earlier runs wrote down before what this one did.
func (d *Daemon) prependHistory(past []Event, days *ledger) {
	all := append(append([]Event{}, past...), d.History()...)
	all = all[max(len(all)-maxEvents, 0):]
	d.history.Store(&all)
	d.ledger.Store(d.ledger.Load().after(days))
}

// tellChanges writes down, in history and log, what is different between two publications.
func (d *Daemon) tellChanges(old, now *Status) {
	for _, e := range changes(old, now) {
		if e.Kind == "verdict" {
			e.Shut = d.shutFor(e, now)
			if !d.isNews(e, now) {
				continue
			}
		}
		d.record(e)
		attrs := []any{"kind", e.Kind}
		if e.Port != "" {
			attrs = append(attrs, "port", e.Port, "code", string(e.Code))
		}
		if e.Shut > 0 {
			attrs = append(attrs, "shut", time.Duration(e.Shut)*time.Second)
		}
		d.log.Info(e.Text, attrs...)
	}
}

// isNews reports whether a verdict says something else than the last one that was told. A try that
// comes to nothing passes through Starting for moments: that is no news, unless something was lost.
func (d *Daemon) isNews(e Event, now *Status) bool {
	i := d.state.portNamed(e.Port)
	if i < 0 {
		return true
	}
	p := &d.state.ports[i]
	told := Port{Verdict: p.told.Verdict}
	if e.Code == p.told.Code || e.Code == Starting && (p.told.Code != "" && !told.open() || p.lostWhy == "" && told.open()) {
		return false
	}
	p.told = Diagnosis{Code: e.Code, Verdict: portNamed(now, e.Port).Verdict}
	return true
}

// record adds an event to the history.
func (d *Daemon) record(e Event) {
	all := append(append([]Event{}, d.History()...), e)
	all = all[max(len(all)-maxEvents, 0):]
	d.history.Store(&all)
	d.write(e)
}

// mark writes down that the program is still here, when it has not written anything for a while.
func (d *Daemon) mark(now time.Time) {
	if since := now.Sub(d.wrote); since >= 0 && since < markEvery {
		return
	}
	e := Event{At: now.UTC(), Kind: "alive"}
	if day := now.YearDay(); day != d.markedDay { // so that a quiet port is known from any day's lines alone
		d.markedDay, e.Codes = day, map[string]Code{}
		for _, p := range d.Status().Ports {
			e.Codes[p.Name] = p.Code
		}
	}
	d.write(e)
}

// write adds an event to the picture of past days, and to the file.
func (d *Daemon) write(e Event) {
	d.wrote = e.At
	days := d.ledger.Load().clone()
	days.add(e)
	d.ledger.Store(days)
	d.toDisk(false, func() error { return d.world.Record(e) })
}

// changes lists what is different between two publications, as events. It is pure.
func changes(old, now *Status) []Event {
	var es []Event
	if r := now.Route; r != nil && (old.Route == nil || *r.key() != *old.Route.key()) {
		es = append(es, Event{At: now.At, Kind: "network", Text: fmt.Sprintf("The way out is %s by %s, this PC is %s", r.Gateway, r.Interface, r.Local)})
	} else if r == nil && old.Route != nil {
		es = append(es, Event{At: now.At, Kind: "network", Text: "This PC has no way out any more"})
	}
	if p := now.PublicIP; p != nil && (old.PublicIP == nil || old.PublicIP.Address != p.Address) {
		text := fmt.Sprintf("The public address is %s", p.Address)
		if old.PublicIP != nil {
			text = fmt.Sprintf("The public address changed from %s to %s", old.PublicIP.Address, p.Address)
		}
		es = append(es, Event{At: now.At, Kind: "address", Text: text, Address: p.Address})
	}
	for _, p := range now.Ports {
		was := portNamed(old, p.Name)
		if was != nil && was.Code == p.Code && (p.Code != Starting || was.Headline == p.Headline) {
			continue
		}
		es = append(es, Event{At: now.At, Kind: "verdict", Port: p.Name, Code: p.Code, Text: p.Name + ": " + p.Headline})
	}
	return es
}

// key is the part of a Route whose change is news.
func (r *Route) key() *[3]string {
	return &[3]string{r.Gateway.String(), r.Local.String(), r.Interface}
}

// open reports whether the port is open as far as can be told.
func (p *Port) open() bool { return p.Verdict == Ready || p.Verdict == Reachable }

func portNamed(s *Status, name string) *Port {
	if i := portIndex(s, name); i >= 0 {
		return &s.Ports[i]
	}
	return nil
}

func portIndex(s *Status, name string) int {
	for i := range s.Ports {
		if s.Ports[i].Name == name {
			return i
		}
	}
	return -1
}
