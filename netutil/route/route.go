// Package route finds the way out: the default gateway, the interface it is on, and the one local
// IPv4 address that faces it. It tells when that may have changed.
//
// It never proposes a tunnel, a container bridge or a virtual switch: a port mapping belongs on
// the home router, whatever a VPN does to the default route.
package route

import (
	"errors"
	"net/netip"
)

// Route is one way out. The zero value means there is none. Routes are compared with ==.
type Route struct {
	Gateway   netip.Addr   // next hop of the default route
	Local     netip.Addr   // our address on Interface, in the prefix that holds Gateway
	Prefix    netip.Prefix // that prefix, masked
	Interface string       // the system's name of the interface
	Index     int          // the system's number of the interface
}

// Valid reports whether r is a way out at all.
func (r Route) Valid() bool { return r.Gateway.IsValid() && r.Local.IsValid() }

// Candidate is a default route that was looked at, and why it was not taken. A rejected one has no
// Local and Prefix, and no Gateway if there is none on it.
type Candidate struct {
	Route
	Metric   int    // effective metric: lower is preferred by the system
	Rejected string // "" if usable, else the reason for people: "it is a VPN tunnel"
}

// Override is the user's own choice from the settings. Zero fields leave the choice to us.
type Override struct {
	Interface string
	Gateway   netip.Addr
}

// Report is one reading of the system's tables.
type Report struct {
	Route      Route       // the choice; not valid when err of Read is not nil
	Candidates []Candidate // everything that was considered, best first

	// Detour is the address from which the system would send to the internet, when that is not an
	// address of Route's interface: something else, nearly always a VPN, takes this PC's traffic
	// although the home router is still there. Not valid when the traffic leaves by Route.
	Detour netip.Addr
}

var (
	// ErrNoGateway means that the system has no default route at all.
	ErrNoGateway = errors.New("this PC has no default gateway")
	// ErrOnlyTunnel means that the only default routes lead into tunnels (VPN).
	ErrOnlyTunnel = errors.New("the only way out leads through a VPN")
	// ErrNoLocal means that there is a gateway, but no address of ours faces it.
	ErrNoLocal = errors.New("no address of this PC faces the gateway")
	// ErrOverride means that the settings name an interface or gateway that is not there.
	ErrOverride = errors.New("the interface or gateway named in the settings is not there")
)
