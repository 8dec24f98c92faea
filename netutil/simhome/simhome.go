// Package simhome is a home in software: a router with its quirks, the internet behind it and the
// other hosts of the LAN. Tests use it, and so does the demo.
//
// Home is the router's state and its rules, without sockets, timers or goroutines; the time comes
// from a function, so that it runs under testing/synctest. Two things speak to it: Client and Search,
// which act as portmap's do but in memory and in virtual time, and Serve, which puts real PCP,
// NAT-PMP, SSDP, SOAP, STUN and get-ip servers on loopback. The encoders behind those servers
// share no code with package portmap: each side checks the other.
//
// Without faults the router behaves as RFC 6886, RFC 6887 and the UPnP IGD documents ask, and where
// they leave a choice as miniupnpd does. Faults has a switch for each way in which real ones do not.
//
// It does not simulate the PC: its route, its firewall, its games and its VPN are not here.
package simhome

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Options describe a home, in IPv4. The zero value is a usable one.
type Options struct {
	Now func() time.Time // the clock; nil = time.Now

	Gateway netip.Addr // the router's address on the LAN; not valid = 192.168.1.1
	Self    netip.Addr // this PC's address on the LAN; not valid = 192.168.1.23
	// Public is the address that the internet sees; not valid = 11.77.0.2, from a block that is not
	// in use on the internet and yet no documentation range, which nobody would take for public.
	Public netip.Addr
	Outer  netip.Addr // the router's own outer address; not valid = Public

	Port uint16 // the port that Break is about; 0 = 27886

	Manufacturer string // "" = "Simhome"
	Model        string // "" = "Router 2000"
	UDN          string // UPnP unique device name; "" = a fixed one

	Listen Listen // where Serve listens
}

// Listen are the ports that Serve takes on 127.0.0.1; 0 = any free one.
type Listen struct {
	PMP, SSDP, HTTP, STUN, GetIP uint16
}

// Home is one router, what it is connected to, and what its LAN hosts did to it. All methods may be
// called concurrently.
type Home struct {
	now     func() time.Time
	gateway netip.Addr
	port    uint16
	listen  Listen

	mu      sync.Mutex
	self    netip.Addr
	outer   netip.Addr
	public  netip.Addr
	maker   string
	model   string
	udn     string
	table   map[key]*entry
	manual  map[key]manualEntry
	faults  Faults
	booted  time.Time // the epoch is counted from here
	cleaned time.Time // last run of the clean-up that Faults.CleanEvery asks for
	state   power
	wanDown bool
	bootID  int // SSDP BOOTID.UPNP.ORG
	moves   int // how often UPnP came back under another URL
	above   *Home
	tally   ledger
	hooks   hooks
}

// power says how much of the router is alive.
type power int

const (
	running power = iota
	crashed       // the mapping service is dead, the rules it made are still in force
	off           // no power
)

// New makes a home, with the router just booted.
func New(o Options) *Home {
	h := &Home{
		now: o.Now, gateway: o.Gateway, port: o.Port, listen: o.Listen,
		self: o.Self, outer: o.Outer, public: o.Public,
		maker: o.Manufacturer, model: o.Model, udn: o.UDN,
		table: map[key]*entry{}, manual: map[key]manualEntry{}, bootID: 1,
	}
	if h.now == nil {
		h.now = time.Now
	}
	orAddr(&h.gateway, "192.168.1.1")
	orAddr(&h.self, "192.168.1.23")
	orAddr(&h.public, "11.77.0.2")
	if !h.outer.IsValid() {
		h.outer = h.public
	}
	h.outer = ipv4(h.outer)
	if h.port == 0 {
		h.port = 27886
	}
	orText(&h.maker, "Simhome")
	orText(&h.model, "Router 2000")
	orText(&h.udn, "uuid:5eed0000-7007-4b1d-9e0b-27886000cafe")
	h.booted = h.now()
	h.cleaned = h.booted
	return h
}

func orAddr(a *netip.Addr, fallback string) {
	if !a.IsValid() {
		*a = netip.MustParseAddr(fallback)
	}
	*a = ipv4(*a)
}

// ipv4 lets nothing else into the home, whose protocols have no room for it.
func ipv4(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.Is4() {
		return a
	}
	return netip.IPv4Unspecified()
}

func orText(s *string, fallback string) {
	if *s == "" {
		*s = fallback
	}
}

// Gateway is the router's address on the LAN.
func (h *Home) Gateway() netip.Addr { return h.gateway }

// Port is the port that Break is about.
func (h *Home) Port() uint16 { return h.port }

// Self is this PC's address on the LAN.
func (h *Home) Self() netip.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.self
}

// Outer is the address that the router believes to have outside.
func (h *Home) Outer() netip.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.outer
}

// Public is the address that the internet sees, as STUN and get-ip would tell it; an error while
// the WAN is down or the router is off.
func (h *Home) Public() (netip.Addr, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == off || h.wanDown {
		return netip.Addr{}, fmt.Errorf("simhome: %w", errNoInternet)
	}
	return h.public, nil
}

// Name is what the router calls itself: "manufacturer model".
func (h *Home) Name() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.name()
}

func (h *Home) name() string {
	if h.faults.Latin1 {
		return h.maker + " Boîte à café"
	}
	return h.maker + " " + h.model
}

// epoch is the time since the table was lost (RFC 6886 section 3.6, RFC 6887 section 8.5).
func (h *Home) epoch() uint32 {
	return uint32(max(0, h.now().Sub(h.booted)/time.Second))
}

// device is what the UPnP description tells.
func (h *Home) device() portmap.Device {
	return portmap.Device{Name: h.name(), UDN: h.udn, Location: h.location(), Service: h.faults.IGD.service()}
}
