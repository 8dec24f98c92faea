package daemon

import (
	"net/netip"
	"time"
)

// Status is everything the program knows, as published after a pass. It is the JSON of
// GET /api/v1/status and of `portsitter status --json`; page, metrics, command line and log show
// nothing that is not in here. A published Status is never changed.
//
// Times are UTC; durations are whole seconds; what is absent is not known.
type Status struct {
	Version         string    `json:"version"`
	Pass            uint64    `json:"pass"` // number of this publication, counted from 1
	At              time.Time `json:"at"`
	Started         time.Time `json:"started"`
	Demo            bool      `json:"demo,omitempty"` // everything below is about a home in software
	Route           *Route    `json:"route,omitempty"`
	Router          *Router   `json:"router,omitempty"`
	PublicIP        *PublicIP `json:"public_ip,omitempty"`
	PublicIPChanges uint64    `json:"public_ip_changes"` // how often the address became another one since the start
	Ports           []Port    `json:"ports"`
	Next            *Next     `json:"next,omitempty"`
	Notices         []string  `json:"notices,omitempty"` // things about the program itself that a person should know: settings refused, state file set aside
	Dropped         Dropped   `json:"dropped,omitzero"`
}

// Dropped counts datagrams that were heard and not used, because they were not from the router or not
// what they should be. Other devices make some; a flood of them is an attack.
type Dropped struct {
	Announcements uint64 `json:"announcements"`
	Answers       uint64 `json:"answers"` // to UPnP searches
}

// Route is the way out that was chosen.
type Route struct {
	Gateway    netip.Addr  `json:"gateway"`
	Local      netip.Addr  `json:"local"`
	Interface  string      `json:"interface"`
	Candidates []Candidate `json:"candidates,omitempty"` // only when there was a choice to make
}

// Candidate is a way out that was considered.
type Candidate struct {
	Gateway   netip.Addr `json:"gateway"`
	Interface string     `json:"interface"`
	Rejected  string     `json:"rejected,omitempty"`
}

// Router is what answered on the gateway.
type Router struct {
	Name       string      `json:"name,omitempty"`
	Protocols  []string    `json:"protocols"`
	ExternalIP *netip.Addr `json:"external_ip,omitempty"`
	BootedAt   *time.Time  `json:"booted_at,omitempty"`
}

// PublicIP is our address on the internet, and who said so.
type PublicIP struct {
	Address netip.Addr            `json:"address"`
	Kind    string                `json:"kind"`    // public, private, carrier-nat or other
	Sources map[string]netip.Addr `json:"sources"` // keys: router, http, stun
	Since   time.Time             `json:"since"`
}

// Port is one configured port and its ladder.
type Port struct {
	Name      string   `json:"name"`
	Port      uint16   `json:"port"`
	Transport string   `json:"transport"`
	Verdict   Verdict  `json:"verdict"`
	Code      Code     `json:"code"`
	Headline  string   `json:"headline"`
	NextStep  string   `json:"next_step,omitempty"`
	Address   string   `json:"address,omitempty"` // what an opponent types: address:port
	Steps     []Step   `json:"steps"`
	Mapping   *Mapping `json:"mapping,omitempty"`
	Game      *Game    `json:"game,omitempty"`
	Outside   *Outside `json:"outside,omitempty"`
	Totals    Totals   `json:"totals"`
}

// Verdict is the answer in one word.
type Verdict string

// The verdicts.
const (
	Reachable Verdict = "reachable" // an outside check has passed since the last change
	Ready     Verdict = "ready"     // everything that can be seen from here is right
	NotReady  Verdict = "not-ready"
	Checking  Verdict = "checking"
	Unknown   Verdict = "unknown"
)

// StepState is the state of one rung.
type StepState string

// The states of a rung. StepUnknown means "could not find out"; StepSkipped means "not judged,
// not needed or switched off". Neither is ever drawn as good.
const (
	StepOK      StepState = "ok"
	StepBroken  StepState = "broken"
	StepUnknown StepState = "unknown"
	StepSkipped StepState = "skipped"
)

// The rungs of the ladder, top to bottom.
const (
	StepNetwork  = "network"
	StepRouter   = "router"
	StepInternet = "internet"
	StepMapping  = "mapping"
	StepFirewall = "firewall"
	StepGame     = "game"
	StepOutside  = "outside"
)

// Step is one rung of the ladder.
type Step struct {
	ID      string    `json:"id"`
	State   StepState `json:"state"`
	Summary string    `json:"summary"`
	Detail  string    `json:"detail,omitempty"`
	At      time.Time `json:"at,omitzero"` // when this was last looked at
}

// Mapping is the router's entry for a port.
type Mapping struct {
	Protocol string     `json:"protocol,omitempty"` // absent when forwarded by hand and not to be seen
	Internal string     `json:"internal"`
	External string     `json:"external"`           // address:port, or :port when the address is not told
	Lease    int64      `json:"lease"`              // seconds; 0 = permanent
	Expires  *time.Time `json:"expires,omitempty"`  // absent when permanent
	Verified *time.Time `json:"verified,omitempty"` // last read-back that showed it
	Owner    string     `json:"owner"`              // ours, other or manual
	Holder   string     `json:"holder,omitempty"`   // LAN address it leads to, when that is not us
	Upstream *Upstream  `json:"upstream,omitempty"` // the second router's part, with double NAT
}

// Upstream is the entry in a second router, in front of ours.
type Upstream struct {
	Gateway  netip.Addr `json:"gateway"`
	Protocol string     `json:"protocol"`
	External string     `json:"external"`
}

// Game is the process that holds the port on this PC.
type Game struct {
	Listening bool   `json:"listening"`
	PID       int    `json:"pid,omitempty"`
	Process   string `json:"process,omitempty"`
}

// Outside is the last check from outside.
type Outside struct {
	ID         uint64     `json:"id,omitempty"`
	State      string     `json:"state"`             // reachable, unreachable, checker-failed, not-checked or checking
	CameIn     bool       `json:"came_in,omitempty"` // unreachable: its packets were seen here, so it was the answer that got lost
	At         *time.Time `json:"at,omitempty"`
	Since      *time.Time `json:"since,omitempty"`       // when the check under way began
	AnsweredBy string     `json:"answered_by,omitempty"` // game or stand-in
	Checker    string     `json:"checker,omitempty"`
	Detail     string     `json:"detail,omitempty"`
}

// Next is what the loop will do next, unless something happens first.
type Next struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// ExitCode is the exit code of `status` and `check` for this status: 0 reachable or ready, 1 not,
// 4 could not find out, 3 stopped. The worst port counts.
func (s *Status) ExitCode() int {
	if len(s.Ports) == 0 {
		return 4
	}
	worst := 0
	for _, p := range s.Ports {
		worst = max(worst, severity(p))
	}
	return [...]int{0, 4, 1, 3}[worst]
}

func severity(p Port) int {
	switch {
	case p.Code == Stopped:
		return 3
	case p.Verdict == NotReady:
		return 2
	case p.Code == CheckerDown:
		return 1
	case p.Verdict == Reachable || p.Verdict == Ready:
		return 0
	}
	return 1
}
