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
	// Checks are the times of the last checks from outside that nobody asked for: a program that is
	// restarted again and again must not ask somebody's free service each time.
	Checks []time.Time `json:"checks,omitempty"`
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

// RouterMemory is what worked last with one router.
type RouterMemory struct {
	MAC       string     `json:"mac,omitempty"`
	Gateway   netip.Addr `json:"gateway"`
	Location  string     `json:"location,omitempty"`  // URL of the UPnP description
	Permanent bool       `json:"permanent,omitempty"` // takes only permanent UPnP leases (725)
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
	Expires   time.Time         `json:"expires,omitzero"` // zero = permanent
}

// maxRouters bounds the memory of a PC that travels; the ones seen longest ago are forgotten.
const maxRouters = 32

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
	for _, e := range m.Entries {
		if e.Transport == t && e.External == external && sameRouter(e.MAC, mac, e.Gateway, gateway) {
			return e, true
		}
	}
	return OwnEntry{}, false
}

// withEntry returns a Memory that records e as ours, in place of what was recorded for that
// external port: a router's table has one line for it.
func (m Memory) withEntry(e OwnEntry) Memory {
	m.Entries = append(m.without(e).Entries, e)
	return m
}

// without returns a Memory that claims nothing at e's router and external port.
func (m Memory) without(e OwnEntry) Memory {
	m.Entries = slices.DeleteFunc(slices.Clone(m.Entries), func(o OwnEntry) bool {
		return o.Transport == e.Transport && o.External == e.External &&
			sameRouter(o.MAC, e.MAC, o.Gateway, e.Gateway)
	})
	return m
}

// expired returns a Memory without the entries whose lease has ended by now.
func (m Memory) expired(now time.Time) Memory {
	over := func(e OwnEntry) bool { return !e.Expires.IsZero() && now.After(e.Expires) }
	if slices.ContainsFunc(m.Entries, over) {
		m.Entries = slices.DeleteFunc(slices.Clone(m.Entries), over)
	}
	return m
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
