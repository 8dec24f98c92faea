package simhome

import (
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Reach says how a protocol behaves toward those who ask.
type Reach int

// The ways to be reached.
const (
	Answers Reach = iota
	Off           // the port is closed: the asker is told so at once
	Silent        // packets are dropped: the asker waits
)

// Faults are the router's quirks. The zero value has none. The numbers are the rank in the list of
// router quirks, "+" marks a runner-up; the issues are public ones in which the quirk was met.
type Faults struct {
	// Reach of each protocol. With only one of PCP and NAT-PMP off, their common port stays open and
	// says that it does not know that version (RFC 6887 appendix A).
	PCP, PMP, UPnP Reach

	Slow      time.Duration // every answer comes this much later; what was asked is done at once
	LossEvery int           // each n-th request over UDP is lost; 0 = none

	// Who may map what.

	Deny           bool // nobody may map: 606, result 2, NOT_AUTHORIZED (#6, Open.NAT#80)
	SecureMode     bool // the internal client has to be the caller: 606 or, of an IGDv1, 718 (#6)
	NonceStrict    bool // a PCP renewal needs the first nonce, too, not only a deletion (+)
	OtherPort      bool // PCP gives another port even to PREFER_FAILURE, as miniupnpd does (+, geth#26321)
	RefuseConflict bool // PCP and NAT-PMP refuse a taken port instead of giving another one
	SamePortOnly   bool // external and internal port have to be equal: 724 (#13)
	OneForEach     bool // one external port for each internal one: 718 for a second (#13, go-libp2p#1543)
	ManualIs729    bool // a port forwarded by hand is 729 instead of 718 (+, Open.NAT#70)
	Slots          int  // size of the table; 0 = endless. Beyond: 728, result 4, USER_EX_QUOTA (#4)
	FullLies       bool // a full table says yes and stores nothing (#4, portmapper#137)
	Codes          Codes

	// Leases.

	OnlyPermanent      bool          // UPnP refuses a finite lease: 725 (#2, tailscale#9343)
	RefuseFinite402    bool          // the same, said as 402 (#7, tailscale#15223)
	RefusePermanent402 bool          // UPnP refuses a permanent lease: 402 (#7)
	EarlyRenewal718    bool          // UPnP refuses a renewal before half of the lease is over (+, Open.NAT#14)
	LeaseMin           time.Duration // lengthens PCP and NAT-PMP leases; miniupnpd has 120 s
	LeaseMax           time.Duration // shortens any lease that is not permanent (#14)
	KilledAt24h        bool          // an entry dies 24 h after it was made, whatever its lease (#14, qBittorrent#23489)
	CleanEvery         time.Duration // with more than CleanOver entries the table is emptied (#14, tailscale#10597)
	CleanOver          int

	// Lies.

	KeepsNothing   bool          // says yes and stores nothing (#4, weupnp#12)
	KeepsFor       time.Duration // says yes and forgets the entry after this time; 0 = keeps it (#4)
	NotForwarding  bool          // entries are listed and renewed, and nothing comes through (#3)
	StoredHost     netip.Addr    // stores this LAN host instead of the one asked for; not valid = does not (#5)
	RenewMovesPort bool          // a renewal leads to the external port's number inside (+; in tailscale#18348 it proved to be the client)
	EpochGoesOn    bool          // another outer address does not start the epoch anew, against RFC 6887 section 8.5
	NoOuter        bool          // tells no outer address and maps nothing: 501, result 3, NO_RESOURCES (#8)
	EnabledLies    bool          // reads every entry back as switched off
	EmptyLease     bool          // reads every entry back with an empty lease

	UPnPFaults
}

// Codes are answered to every request for a mapping; 0 = decide as usual. They stand for refusals
// that have no switch of their own: UPnP 727 and 732 (+, libtorrent), 402 for a full table (#7).
type Codes struct {
	UPnP, PMP, PCP int
}

// UPnPFaults are quirks of the UPnP side alone. Those of form are seen on the wire only.
type UPnPFaults struct {
	IGD IGD

	ResetOnParallel bool          // drops the connection of a request that meets another one (#15, go-libp2p#3138)
	ResetWithin     time.Duration // the same, for one that comes so soon after the last one (#15)
	NoReadBack      bool          // does not know GetSpecificPortMappingEntry: 401
	NotConnected    bool          // GetStatusInfo says "Disconnected" (#11)
	SaysUp          bool          // GetStatusInfo says "Up" instead of "Connected" (#11)

	// Discovery (#9).

	SSDPDelay         time.Duration // M-SEARCH is answered later, 5 to 10 s were seen
	SSDPMulticastOnly bool          // no answer to a unicast M-SEARCH; loopback has nothing else
	SSDPOnly          string        // answers this search target alone
	SSDPOtherPort     bool          // answers from another port than 1900 (tailscale#7377)
	LocationHost      string        // the host in LOCATION, "" = the right one (#10)

	// Form (#12 and the runners-up).

	Fussy      bool   // wants SOAPAction exact, "UDP" in capitals, a plain description, Content-Length
	Latin1     bool   // description and fault texts are ISO-8859-1 with letters beyond ASCII
	FaultWords string // the errorDescription of every fault, "" = the standard's name; may be hostile
	BareFault  bool   // a refusal is HTTP 500 with a HTML page and no code
	MikroTik   bool   // <faultCode> instead of <faultcode>
	BrokenXML  bool   // answers end in the middle (syncthing#1542)
	ControlAt  string // controlURL in the description, "" = the right one; may lead elsewhere (#10)
}

// IGD is the kind of UPnP gateway.
type IGD int

// The kinds of UPnP gateway (#11).
const (
	IGDv2       IGD = iota // InternetGatewayDevice:2 with WANIPConnection:2
	IGDv1                  // InternetGatewayDevice:1 with WANIPConnection:1
	IGDPPP                 // InternetGatewayDevice:1 with WANPPPConnection:1
	IGDDSLForum            // the names from before the UPnP Forum: urn:dslforum-org
	IGDMixed               // a version 1 service in a version 2 device (miniupnp#277)
	IGDTwo                 // a WANPPPConnection that is not connected beside the WANIPConnection that is
)

// Configure changes the faults; change is called once, with the present ones.
func (h *Home) Configure(change func(*Faults)) {
	h.mu.Lock()
	change(&h.faults)
	h.mu.Unlock()
	h.changed()
}

// Faults gives the present faults.
func (h *Home) Faults() Faults {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.faults
}

func (f *Faults) reach(p portmap.Protocol) Reach {
	switch p {
	case portmap.PCP:
		return f.PCP
	case portmap.NATPMP:
		return f.PMP
	}
	return f.UPnP
}
