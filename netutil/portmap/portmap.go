// Package portmap speaks to the home router: PCP (RFC 6887), NAT-PMP (RFC 6886) and UPnP IGD, each
// behind the same small Client, and a Search that asks all of them at once and tells who answered.
//
// It does not decide. It does not keep a mapping alive, choose between protocols, or know what is
// ours: that is the daemon's. It reports what the router said, in the router's own codes and words.
//
// An answer counts only from the gateway's own address. Nothing here follows a redirect, uses a
// proxy or looks up a name.
package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Protocol names a way to talk to a router, as it appears in settings and status.
type Protocol string

// The protocols, in the order of preference when several have answered.
const (
	PCP    Protocol = "pcp"
	NATPMP Protocol = "nat-pmp"
	UPnP   Protocol = "upnp"
)

// Transport is the transport protocol of a mapped port.
type Transport string

// The transports that all three protocols can map.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
)

// Description is what our entries are called in the router's table. Fixed, ASCII, short, without
// quotes or punctuation: some firmware breaks on anything else.
const Description = "Portsitter"

// Nonce is a PCP mapping nonce (RFC 6887 section 11.1). Whoever wants to renew or delete a mapping
// after a restart has to show the same one.
type Nonce [12]byte

// Request asks a router to lead an external port to us.
type Request struct {
	Transport Transport
	Internal  netip.AddrPort // our address facing the gateway, and our port
	External  uint16         // the external port we want
	Lease     time.Duration  // whole seconds; 0 asks UPnP for a permanent entry
	Nonce     Nonce          // PCP only
	Exact     bool           // PCP only: rather refuse with Conflict than give another external port
}

// Mapping is what a router granted. It is never changed once made: a renewal is a new Mapping.
type Mapping struct {
	Protocol  Protocol
	Gateway   netip.Addr
	Transport Transport
	Internal  netip.AddrPort
	External  netip.AddrPort // the port may differ from the one asked for; Addr is not valid when not told
	Lease     time.Duration  // as granted; 0 = permanent
	Granted   time.Time      // wall clock, monotonic reading stripped: leases go on during sleep
	Nonce     Nonce
}

// Expires is when the lease ends; the zero time for a permanent entry.
func (m Mapping) Expires() time.Time {
	if m.Lease == 0 {
		return time.Time{}
	}
	return m.Granted.Add(m.Lease)
}

// RenewAt is half of the granted lease after the grant (RFC 6886 section 3.3, RFC 6887 section
// 11.2.1); the zero time for a permanent entry.
func (m Mapping) RenewAt() time.Time {
	if m.Lease == 0 {
		return time.Time{}
	}
	return m.Granted.Add(m.Lease / 2)
}

// Outer is what a router says of itself.
type Outer struct {
	Addr     netip.Addr // its external address; not valid when it does not tell
	Epoch    uint32     // seconds since it lost its table (RFC 6886 section 3.6, RFC 6887 section 8.5)
	HasEpoch bool       // UPnP has no epoch
}

// Entry is one line of a router's table, as read back.
type Entry struct {
	Internal    netip.AddrPort
	Enabled     bool
	Description string
	Lease       time.Duration // time left; 0 = permanent or not told
}

// Device is what a router tells about itself; all text is the router's own and untrusted.
type Device struct {
	Name     string // "manufacturer model", "" when not told
	UDN      string // UPnP unique device name
	Location string // URL of the UPnP description
	Service  string // URN of the UPnP service in use

	// Permanent says that this router took only permanent UPnP entries (725, or 402 for a lease).
	// Given to the next Search, it spares the router the refusal.
	Permanent bool
}

// Client talks one protocol to one gateway. Its methods are called one at a time.
type Client interface {
	Name() Protocol
	Gateway() netip.Addr
	Device() Device
	// External asks the router for its outer address and epoch.
	External(ctx context.Context) (Outer, error)
	// Lookup reads one entry back. ErrNoEntry: the router has none. ErrCannotLook: the protocol
	// has no such question (PCP, NAT-PMP).
	Lookup(ctx context.Context, t Transport, external uint16) (Entry, error)
	// Map asks for a mapping or renews one. The granted external port may be another one than
	// asked for: what to do about that is the caller's.
	Map(ctx context.Context, r Request) (Mapping, error)
	// Unmap removes a mapping. An entry that is gone already is success.
	Unmap(ctx context.Context, m Mapping) error
}

var (
	// ErrNoEntry means that the router's table has no such entry.
	ErrNoEntry = errors.New("the router has no such entry")
	// ErrCannotLook means that the protocol cannot read entries back.
	ErrCannotLook = errors.New("this protocol cannot read entries back")
	// ErrNoAnswer means that nothing came back in time, after all retries.
	ErrNoAnswer = errors.New("no answer from the router")
)

// Kind sorts a router's refusals by what can be done about them.
type Kind int

// The kinds of refusal.
const (
	Other           Kind = iota
	Denied               // not permitted by the router's settings: UPnP 606, NAT-PMP 2, PCP 2
	Conflict             // the external port is taken: UPnP 718, 729, PCP 11
	NoOuterAddress       // its own outer side is down or not public: UPnP 501, NAT-PMP 3, PCP 7, PCP 8
	Full                 // no room: UPnP 728, NAT-PMP 4, PCP 10
	NotSupported         // it does not know the request: UPnP 401, 404, 602, NAT-PMP 1, 5, PCP 1, 4, 9
	AddressMismatch      // it sees us under another address: PCP 12
)

// Refusal is a router's own no, with its code and words.
type Refusal struct {
	Protocol Protocol
	Kind     Kind
	Code     int
	Name     string        // the code's name in the standard: "NOT_AUTHORIZED", "ConflictInMappingEntry"
	Words    string        // the router's own words if it used any; untrusted
	Retry    time.Duration // how long it asks not to be bothered (PCP error lifetime); 0 = not told
}

// Error gives the code, its name, and the router's words where they say more.
func (r *Refusal) Error() string {
	s := fmt.Sprintf("%s: %d %s", r.Protocol, r.Code, r.Name)
	if r.Words != "" && r.Words != r.Name {
		s += fmt.Sprintf(" (%q)", r.Words)
	}
	return s
}
