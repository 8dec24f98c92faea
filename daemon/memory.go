package daemon

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
)

// Memory is what has to survive a restart: state.json. It is small, and losing it costs a little
// speed at the next start and nothing else.
type Memory struct {
	Version int `json:"version"`
	// Secret seeds the PCP nonces, so that a restarted Portsitter may renew and remove what an
	// earlier one mapped (RFC 6887 section 11.1).
	Secret Secret `json:"secret"`
	// Routers holds what worked last with each router.
	Routers []RouterMemory `json:"routers,omitempty"`
	// Entries are the mappings that are ours: made by us and not yet seen removed or expired.
	Entries []OwnEntry `json:"entries,omitempty"`
	// Lapsed are mappings that were ours until their lease ended, for a day.
	Lapsed []OwnEntry `json:"lapsed,omitempty"`
	// Shut are the ports that are not open now, and since when.
	Shut []ShutPort `json:"shut,omitempty"`
	// Checks are the times of the last checks from outside that nobody asked for: a program that is
	// restarted again and again must not ask somebody's free service each time.
	Checks []time.Time `json:"checks,omitempty"`
	// Told is what webhooks and the command were told last.
	Told []Told `json:"told,omitempty"`
}

// Secret is random, written as hexadecimal digits.
type Secret [16]byte

// MarshalText writes the digits.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads them; anything but 32 digits is an error.
func (s *Secret) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(s)) {
		return fmt.Errorf("the secret has %d digits, not %d", len(text), hex.EncodedLen(len(s)))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// RouterMemory is what worked last with one router, and what it is like: so that the second time
// costs neither a refused request nor a wrong promise.
type RouterMemory struct {
	MAC       string     `json:"mac,omitempty"`
	Gateway   netip.Addr `json:"gateway"`
	UDN       string     `json:"udn,omitempty"`       // its unique device name, by UPnP
	Location  string     `json:"location,omitempty"`  // URL of the UPnP description
	Permanent bool       `json:"permanent,omitempty"` // takes only permanent UPnP leases (725, 402)
	Slow      bool       `json:"slow,omitempty"`      // answers a search for UPnP after more than 3 s
	Gentle    bool       `json:"gentle,omitempty"`    // drops UPnP requests that come at once after another
	Forgets   bool       `json:"forgets,omitempty"`   // says yes by UPnP and keeps nothing
	Seen      time.Time  `json:"seen"`
}

// OwnEntry is one mapping of ours in some router's table.
type OwnEntry struct {
	MAC       string            `json:"mac,omitempty"`
	Gateway   netip.Addr        `json:"gateway"`
	Protocol  portmap.Protocol  `json:"protocol"`
	Transport portmap.Transport `json:"transport"`
	Internal  netip.AddrPort    `json:"internal"`
	External  uint16            `json:"external"`
	Granted   time.Time         `json:"granted,omitzero"` // when it was last asked for; zero = not recorded
	Expires   time.Time         `json:"expires,omitzero"` // zero = permanent
	// Upstream says that it is in the router in front of the one with that MAC, at that gateway's address.
	Upstream bool `json:"upstream,omitempty"`
}

// sameLine tells whether two records are of one line of one router's table.
func (e OwnEntry) sameLine(o OwnEntry) bool {
	return e.Transport == o.Transport && e.External == o.External && e.Upstream == o.Upstream &&
		sameRouter(e.MAC, o.MAC, e.Gateway, o.Gateway) && (!e.Upstream || e.Gateway == o.Gateway)
}

// maxRouters bounds the memory of a PC that travels; the ones seen longest ago are forgotten.
const maxRouters = 32

// lapsedFor is how long a mapping is remembered after its lease, and maxLapsed how many of them.
const (
	lapsedFor = 24 * time.Hour
	maxLapsed = 64
)

// Nonce derives the PCP nonce of one port. It is the same in every run that has the same Secret.
func (m Memory) Nonce(p configs.Port) portmap.Nonce {
	b := append([]byte(p.Transport), m.Secret[:]...)
	b = binary.BigEndian.AppendUint16(b, p.Port)
	sum := sha256.Sum256(b)
	return portmap.Nonce(sum[:12])
}

// sameRouter tells whether two sightings are of one router: by hardware address where both know
// it, since every second home has its router at 192.168.1.1.
func sameRouter(macA, macB string, gwA, gwB netip.Addr) bool {
	if macA != "" && macB != "" {
		return macA == macB
	}
	return gwA == gwB
}

// router finds what is remembered of a router.
func (m Memory) router(mac string, gateway netip.Addr) (RouterMemory, bool) {
	for _, r := range m.Routers {
		if r.Gateway == gateway && sameRouter(r.MAC, mac, r.Gateway, gateway) {
			return r, true
		}
	}
	return RouterMemory{}, false
}

// withRouter returns a Memory that remembers r as seen last. The receiver is not changed: a saver
// may still be writing it.
func (m Memory) withRouter(r RouterMemory) Memory {
	rs := slices.DeleteFunc(slices.Clone(m.Routers), func(o RouterMemory) bool {
		return o.Gateway == r.Gateway && sameRouter(o.MAC, r.MAC, o.Gateway, r.Gateway)
	})
	rs = append([]RouterMemory{r}, rs...)
	m.Routers = rs[:min(len(rs), maxRouters)]
	return m
}

// owns finds our own entry for an external port of a router.
func (m Memory) owns(mac string, gateway netip.Addr, t portmap.Transport, external uint16) (OwnEntry, bool) {
	return m.recorded(OwnEntry{MAC: mac, Gateway: gateway, Transport: t, External: external})
}

// recorded finds what is on record for the same line of a router's table as e.
func (m Memory) recorded(e OwnEntry) (OwnEntry, bool) {
	for _, o := range m.Entries {
		if o.sameLine(e) {
			return o, true
		}
	}
	return OwnEntry{}, false
}

// withEntry returns a Memory that records e as ours, in place of what was recorded for that
// external port: a router's table has one line for it.
//
// A lease that goes on by minutes alone is not written down each time: the disk may be a card that
// wears out.
func (m Memory) withEntry(e OwnEntry) Memory {
	for _, o := range m.Entries {
		longer := e.Expires.Sub(o.Expires)
		if o.Expires, o.Granted = e.Expires, e.Granted; o == e && longer >= 0 && longer < recordEvery {
			return m
		}
	}
	m.Entries = append(m.without(e).Entries, e)
	return m
}

// without returns a Memory that claims nothing at e's router and external port.
func (m Memory) without(e OwnEntry) Memory {
	m.Entries = slices.DeleteFunc(slices.Clone(m.Entries), func(o OwnEntry) bool {
		return o.sameLine(e)
	})
	return m
}

// expired returns a Memory without the entries whose lease has ended by now. They are lapsed for a
// day: a router whose mapping service was dead at that time may hold them still.
func (m Memory) expired(now time.Time) Memory {
	over := func(e OwnEntry) bool { return !e.Expires.IsZero() && now.After(e.Expires) }
	old := func(e OwnEntry) bool { return now.After(e.Expires.Add(lapsedFor)) }
	if slices.ContainsFunc(m.Entries, over) {
		for _, e := range m.Entries {
			if over(e) {
				m.Lapsed = append(slices.Clone(m.Lapsed), e)
			}
		}
		m.Entries = slices.DeleteFunc(slices.Clone(m.Entries), over)
	}
	if slices.ContainsFunc(m.Lapsed, old) {
		m.Lapsed = slices.DeleteFunc(slices.Clone(m.Lapsed), old)
	}
	m.Lapsed = m.Lapsed[max(0, len(m.Lapsed)-maxLapsed):]
	return m
}

// lapsed reports whether we had such an entry, to that address, not long ago.
func (m Memory) lapsed(e OwnEntry) bool {
	return slices.ContainsFunc(m.Lapsed, func(o OwnEntry) bool { return o.sameLine(e) && o.Internal == e.Internal })
}

// withCheck returns a Memory that has counted a check nobody asked for.
func (m Memory) withCheck(at time.Time) Memory {
	m.Checks = append(slices.Clone(m.Checks), at)
	m.Checks = m.Checks[max(len(m.Checks)-checksADay, 0):]
	return m
}

// nextCheck is when the next check may be made that nobody asks for; the zero time: now.
func (m Memory) nextCheck() time.Time {
	if len(m.Checks) == 0 {
		return time.Time{}
	}
	next := m.Checks[len(m.Checks)-1].Add(checkEvery)
	if len(m.Checks) == checksADay {
		next = later(next, m.Checks[0].Add(24*time.Hour))
	}
	return next
}
