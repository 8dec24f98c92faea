// Package configs reads the settings file, portsitter.toml.
//
// Every key, its default and when to change it stand in the embedded portsitter.toml and nowhere
// else: leaving a key out equals writing its line from there. Reading is strict: an unknown key, a
// wrong type or a value out of range is one error that names file, line, key, what was read and
// what is allowed, and nothing starts half.
//
// A file is read in four steps, one source file each: scan.go finds keys and their lines and holds
// the limits, decode.go lets the TOML library read the values, apply.go puts them into Settings
// key by key as keys.go describes them, and check.go compares what only makes sense together.
package configs

import (
	"net/netip"
	"time"
)

// MaxPorts bounds how many [[port]] entries one file may have.
const MaxPorts = 32

// MaxWebhooks bounds how many [[notify.webhook]] entries one file may have.
const MaxWebhooks = 16

// MaxSize bounds the length of a settings file, in bytes.
const MaxSize = 256 << 10

// Settings is one whole, checked settings file. It is never changed after Load made it.
type Settings struct {
	Ports    []Port
	Network  Network
	Router   Router
	PublicIP PublicIP
	Checker  Checker
	Page     Page
	Notify   Notify
	Log      Log

	// Source is the file the settings came from, "" for the embedded defaults.
	Source string
}

// Port is one door to keep open.
type Port struct {
	Name         string // unique; what --port and ?port= name
	Port         uint16 // our own port: the internal port of the mapping
	ExternalPort uint16 // the port asked of the router; equal to Port unless set
	Transport    string // "udp" or "tcp"
	Game         string // "kaillera" or "any": how an outside check talks to it
}

// Network overrides the choice of the way out.
type Network struct {
	Interface     string     // "" = choose
	Gateway       netip.Addr // zero = choose
	PublicProfile bool       // open the port on a network that Windows calls Public, too
}

// Router says how to ask the router.
type Router struct {
	Protocols         []string // any of "pcp", "nat-pmp", "upnp"; all are asked at once
	Lease             time.Duration
	ReadBack          time.Duration
	OtherExternalPort bool
	Upstream          bool
}

// PublicIP says whom to ask for the public address, and how often.
type PublicIP struct {
	Router    bool          // count the router's own word
	STUNEvery time.Duration // between two STUN questions
	HTTPEvery time.Duration // between two get-ip questions
	HTTP      []string      // get-ip URLs; empty = never
	STUN      []string      // host:port; empty = never
}

// Checker says who checks from outside.
type Checker struct {
	URLs      []string // empty = never
	StandIn   bool     // answer in place of a game when none is hosting
	Automatic bool     // check without being asked, after a change
	Via       string   // free text that the checker shows in the host's chat; printable ASCII
}

// Page says where the page is served.
type Page struct {
	Listen      []netip.AddrPort // empty = no page; other than loopback only together with Password
	Hosts       []string         // further names in the Host header that are answered
	Password    string           // PBKDF2 hash, "" = none
	HideAddress bool
}

// Notify says whom to tell about changes.
type Notify struct {
	Command  []string // program and arguments; empty = none
	Webhooks []Webhook
}

// Webhook is one address that is told about changes. Exactly one of URL, URLFile and URLEnv is set.
type Webhook struct {
	URL     string // a secret
	URLFile string // file that holds the URL and nothing else
	URLEnv  string // environment variable that holds it
	Kind    string // "generic", "discord", "ntfy", "slack" or "gotify"
}

// Log says what is written down, and where.
type Log struct {
	Level string // "debug", "info", "warn" or "error"
	File  string // "" = standard error
}
