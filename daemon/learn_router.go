package daemon

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
)

// This file takes into the state who answers a search, and what others say about our public address.

// learnSearch notes that a search has begun and returns its number.
func (s *state) learnSearch(now time.Time) int {
	r := &s.router
	r.search++
	r.running, r.begun, r.again, r.knockDue = true, now, time.Time{}, time.Time{}
	r.errs = map[portmap.Protocol]error{}
	return r.search
}

// learnAnswer takes one protocol's answer in search number n.
func (s *state) learnAnswer(n int, a portmap.Answer, now time.Time) {
	r := &s.router
	if n != r.search {
		return
	}
	if a.Client == nil {
		if r.clients[a.Protocol] == nil {
			r.errs[a.Protocol] = a.Err
		}
		return
	}
	returned := r.clients[a.Protocol] == nil
	r.clients[a.Protocol] = a.Client
	delete(r.errs, a.Protocol)
	delete(r.missing, a.Protocol)
	r.rounds, r.answered = 0, now
	r.spoke = s.outerProtocol()
	s.learnDevice(a.Client.Device(), now)
	if a.Outer.Addr.IsValid() || a.Outer.HasEpoch {
		s.learnOuter(a.Protocol, known(a.Outer, now))
	}
	if !returned {
		return
	}
	for i := range s.ports { // it was away: see whether it still holds what it granted
		if p := &s.ports[i]; p.mapping != nil && p.mapping.Protocol == a.Protocol || p.manual && a.Protocol == portmap.UPnP {
			p.lookDue, p.unsure = now, a.Protocol == portmap.UPnP // the others have told their epoch
		}
	}
}

// learnDevice takes what UPnP tells of the router. Another unique name is another router, whatever its
// address: what the one before was like says nothing about it.
func (s *state) learnDevice(d portmap.Device, now time.Time) {
	if d.Location == "" {
		return
	}
	s.remember(func(m *RouterMemory) {
		if m.UDN != "" && d.UDN != "" && m.UDN != d.UDN {
			*m = RouterMemory{MAC: m.MAC, Gateway: m.Gateway, Seen: now}
		}
		m.Location = d.Location
		if d.UDN != "" {
			m.UDN = d.UDN
		}
		m.Slow = m.Slow || now.Sub(s.router.begun) > searchWindow
	}, now)
}

// knownRouter is what is remembered of the present router.
func (s *state) knownRouter() RouterMemory {
	r, _ := s.memory.router(s.mac, s.way().Gateway)
	return r
}

// learnSearchEnd notes that search number n is over.
func (s *state) learnSearchEnd(n int, now time.Time) {
	r := &s.router
	if n != r.search {
		return
	}
	r.running = false
	for i := range s.ports { // whoever granted it is gone for good: ask the others
		if p := &s.ports[i]; p.mapping != nil && r.clients[p.mapping.Protocol] == nil && len(r.clients) > 0 {
			p.lose("The router does not answer "+protocolNames([]portmap.Protocol{p.mapping.Protocol})[0]+" any more", now)
		}
	}
	if s.misses() && len(r.clients) > 0 && r.again.IsZero() {
		r.again = now.Add(missingAgain)
	}
	if len(r.clients) == 0 {
		r.rounds++
		if r.again.IsZero() { // else the router has announced itself meanwhile
			r.again = now.Add(searchPause(r.rounds, now.Sub(r.answered)))
			s.learnKnock(now)
		}
	}
}

// learnGone notes that a protocol that had answered does not any more: search again, at once if the
// last search is not just over.
func (s *state) learnGone(p portmap.Protocol, err error, now time.Time) {
	r := &s.router
	if r.clients[p] != nil {
		r.missing[p] = true
	}
	if p == portmap.NATPMP {
		r.fellSilent = now
	}
	delete(r.clients, p)
	r.gentle = r.gentle || p == portmap.UPnP // some drop requests that come too fast: no hurry from now on
	if p == portmap.UPnP && now.Sub(r.answered) < soapApart && !s.confirmed() {
		s.remember(func(m *RouterMemory) { m.Gentle = true }, now)
	}
	r.errs[p] = err
	if r.running {
		return
	}
	r.again = later(now, r.begun.Add(searchAtMostEvery))
}

// misses reports whether a protocol that had answered is gone, and still wanted.
func (s *state) misses() bool {
	return slices.ContainsFunc(s.protocols(), func(p portmap.Protocol) bool { return s.router.missing[p] })
}

// gone tells whether an error means that nobody is there, as opposed to somebody saying no.
func gone(err error) bool {
	var no *portmap.Refusal
	return err != nil && !errors.As(err, &no) && !errors.Is(err, portmap.ErrNoEntry) && !errors.Is(err, portmap.ErrCannotLook)
}

// learnPublic takes the answers of those who see us from the internet.
func (s *state) learnPublic(a publicAnswer, now time.Time, jitter float64) {
	u, set := &s.public, s.settings.PublicIP
	u.asking = false
	before := s.seenAddr()
	defer func() {
		if after := s.seenAddr(); before.IsValid() && after.IsValid() && before != after {
			s.addressChanged(now)
		}
	}()
	if a.http.Asked() {
		u.http = a.http
	}
	if a.stun.Asked() {
		u.stun = a.stun
	}
	if a.http.Known() || a.stun.Known() {
		u.failures = 0
	} else {
		u.failures++
	}
	spread := func(d time.Duration) time.Time { return now.Add(time.Duration((0.9 + 0.2*jitter) * float64(d))) }
	if a.http.Asked() {
		u.httpDue = spread(publicPause(a.http.Err, u.failures, set.HTTPEvery))
	}
	if a.stun.Asked() {
		u.stunDue = spread(publicPause(a.stun.Err, u.failures, set.STUNEvery))
	}
	s.dispute(now)
	s.disprove(now)
	s.askWhoSees(now)
}

// disprove lets a check from outside count no more that came in at another address than the internet
// sees by now.
func (s *state) disprove(now time.Time) {
	seen := s.seenAddr()
	for i := range s.ports {
		p := &s.ports[i]
		last, counts := p.outside()
		if a := last.answer.Address.Addr(); counts && last.answer.Reachable && a.IsValid() && seen.IsValid() && a != seen {
			p.changed = now
		}
	}
}

// askPublicAnew makes the sources due at once, since the settings name others or want them asked
// otherwise: pauses after failures were about the old ones. What is asked no more counts no more.
func (s *state) askPublicAnew(now time.Time) {
	u := &s.public
	u.httpDue, u.stunDue, u.failures = now, now, 0
	if len(s.settings.PublicIP.HTTP) == 0 {
		u.http = Fact[netip.Addr]{}
	}
	if len(s.settings.PublicIP.STUN) == 0 {
		u.stun = Fact[netip.Addr]{}
	}
}

// dispute makes both sources due when they, or one of them and the router, tell different
// addresses: the other one shall decide, unless it has just been asked.
func (s *state) dispute(now time.Time) {
	u := &s.public
	told := map[netip.Addr]bool{}
	if o := s.outerAddr(); publicip.KindOf(o) == publicip.Public { // a private one is no dispute, but double NAT
		told[o] = true
	}
	for _, f := range []Fact[netip.Addr]{u.http, u.stun} {
		if f.Known() {
			told[f.Value] = true
		}
	}
	if len(told) < 2 {
		return
	}
	if now.Sub(u.http.At) > disputeEvery {
		u.httpDue = now
	}
	if now.Sub(u.stun.At) > disputeEvery {
		u.stunDue = now
	}
}

// learnAnnouncement takes what the router said unasked. It is a hint to look, at most once a second:
// anybody on the LAN can forge one, and what follows from it is read from the router itself.
func (s *state) learnAnnouncement(a portmap.Announcement, now time.Time) {
	r := &s.router
	if a.Protocol == portmap.UPnP {
		first := !r.notifiedOnce // it may be the one that tells of a start: worth one look
		r.notifiedOnce = true
		if !r.notified.Restarted(a) && !first {
			return
		}
	}
	if r.hinted.After(now) {
		return // a look is planned already
	}
	at := later(now, r.hinted.Add(hintApart))
	r.hinted = at
	if len(r.clients) == 0 { // whoever has just started has not heard the search under way: begin another one
		r.again, r.running = at, false
	}
	r.outerDue = earlier(r.outerDue, at)
	r.addressDue = earlier(r.addressDue, later(at, r.outer.At.Add(freshLook)))
	for i := range s.ports {
		p := &s.ports[i]
		if p.mapping == nil || p.mapping.Protocol == portmap.UPnP {
			p.lookDue = at
		}
	}
}
