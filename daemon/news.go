package daemon

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/notify"
)

// This file finds out what is worth telling people who do not look: it compares what was told last
// with what is published. All of it is pure; tell.go sends.

// Told is what receivers were told about one subject. It survives a restart, so that a PC that
// starts does not tell again what has stayed the same.
type Told struct {
	Port    string `json:"port,omitempty"`    // its name; "" is the public address
	State   string `json:"state,omitempty"`   // "open", or the code of what is wrong
	Address string `json:"address,omitempty"` // what an opponent types; or the public address
}

// stateOpen is the State of a port that is open. Whether a check has proven it makes no difference
// to whoever waits for the news, and goes to and fro every day.
const stateOpen = "open"

// settling is a subject that has become another than was told, and since when it is what it is.
type settling struct {
	now   Told
	since time.Time
}

// newsState is what is under way to the receivers. Only the loop touches it.
type newsState struct {
	settling []settling
	sent     []time.Time    // of the last rounds, at most newsAnHour
	running  bool           // a round is being delivered
	left     configs.Notify // receivers that could not be reached with the last news
	failures int            // in a row
	again    time.Time      // when to try those
}

// facts are what a Status says about each subject that is known: not knowing is no news.
func facts(s *Status) []Told {
	var all []Told
	if s.PublicIP != nil {
		all = append(all, Told{Address: s.PublicIP.Address.String()})
	}
	for i := range s.Ports {
		switch p := &s.Ports[i]; {
		case p.open():
			all = append(all, Told{Port: p.Name, State: stateOpen, Address: p.Address})
		case p.Verdict == NotReady:
			all = append(all, Told{Port: p.Name, State: string(p.Code)})
		}
	}
	return all
}

// watch keeps for how long each subject has been another than was told. What is back, or not known,
// has not settled.
func (n *newsState) watch(told, facts []Told, now time.Time) {
	var next []settling
	for _, f := range facts {
		if slices.Contains(told, f) {
			continue
		}
		s := settling{f, now}
		if i := slices.IndexFunc(n.settling, func(o settling) bool { return o.now == f && !o.since.After(now) }); i >= 0 {
			s.since = n.settling[i].since
		}
		next = append(next, s)
	}
	n.settling = next
}

// clockSet takes back what was planned by a clock that has been set back since.
func (n *newsState) clockSet(now time.Time) {
	n.sent = slices.DeleteFunc(n.sent, func(t time.Time) bool { return t.After(now) })
	if n.again.Sub(now) > 25*time.Hour {
		n.again = now
	}
}

// due is when something will have settled and may be told; the zero time: nothing is to be told.
func (n *newsState) due() time.Time {
	if len(n.settling) == 0 || n.running {
		return time.Time{}
	}
	first := slices.MinFunc(n.settling, func(a, b settling) int { return a.since.Compare(b.since) })
	at := first.since.Add(settlesIn)
	if len(n.sent) == newsAnHour {
		at = later(at, n.sent[0].Add(time.Hour))
	}
	return at
}

// settled are the subjects to tell at now: when one has settled, what will have in a moment goes
// with it, since one cause shows in several places.
func (n *newsState) settled(now time.Time) []Told {
	var all []Told
	for _, s := range n.settling {
		if now.Sub(s.since) >= settlesIn-newsTogether {
			all = append(all, s.now)
		}
	}
	return all
}

// after is what has been told once news have been.
func after(told, news []Told) []Told {
	all := slices.DeleteFunc(slices.Clone(told), func(t Told) bool {
		return slices.ContainsFunc(news, func(n Told) bool { return n.Port == t.Port })
	})
	return append(all, news...)
}

// newsOf puts settled subjects into a message: told is what was known before.
func newsOf(s *Status, told, settled []Told) notify.News {
	n := notify.News{Event: notify.PublicAddress, At: s.At}
	if s.PublicIP != nil {
		n.Public = s.PublicIP.Address
	}
	for _, t := range settled {
		var before Told
		if i := slices.IndexFunc(told, func(o Told) bool { return o.Port == t.Port }); i >= 0 {
			before = told[i]
		}
		if t.Port == "" {
			n.Previous, _ = netip.ParseAddr(before.Address)
			continue
		}
		if p := portNamed(s, t.Port); p != nil {
			n.Ports = append(n.Ports, newsPort(p))
		}
		switch {
		case t.State != before.State:
			n.Event = notify.Verdict
		case n.Event == notify.PublicAddress:
			n.Event = notify.Address
		}
	}
	slices.SortStableFunc(n.Ports, func(a, b notify.Port) int { // what is broken stands first
		return cmp.Compare(severityOf(b), severityOf(a))
	})
	return n
}

func severityOf(p notify.Port) int {
	return severity(Port{Code: Code(p.Code), Verdict: Verdict(p.Verdict)})
}

func newsPort(p *Port) notify.Port {
	return notify.Port{
		Name: p.Name, Port: p.Port, Transport: p.Transport, Verdict: string(p.Verdict), Code: string(p.Code),
		Headline: p.Headline, NextStep: p.NextStep, Address: p.Address,
	}
}

// TestNews is a message that says it is a test, with everything that s knows.
func TestNews(s *Status) notify.News {
	n := newsOf(s, nil, nil)
	for i := range s.Ports {
		n.Ports = append(n.Ports, newsPort(&s.Ports[i]))
	}
	n.Event = notify.Test
	return n
}

// soonest is the earlier of two times; the zero time is no time.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
