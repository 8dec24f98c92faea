package daemon

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

var updateStatuses = flag.Bool("daemon.update", false, "write testdata/statuses anew")

// published is what a home with one fault publishes. daemon/web draws its golden pages from these
// files, so that a change of wording is seen there, too.
type published struct {
	Status   *Status   `json:"status"`
	History  []Event   `json:"history"`
	Days     Days      `json:"days"`
	Contacts []Contact `json:"contacts"`
}

// way is how a house comes to a diagnosis.
type way struct {
	settings func(*configs.Settings)
	before   func(*house) // the start
	after    func(*house)
}

func inHome(code string) func(*house) {
	return func(h *house) {
		if err := simhome.Break(h.Home, code); err != nil {
			h.t.Error(err)
		}
	}
}

func noRoute(err error) func(*house) { return func(h *house) { h.routeErr = err } }

func wait(d time.Duration) func(*house) { return func(h *house) { h.pass(d) } }

func askedCheck(h *house) {
	h.pass(time.Minute)
	if _, err := h.check(true); err != nil {
		h.t.Error(err)
	}
}

func byHandOnly(s *configs.Settings) { s.Checker.Automatic = false }

var ways = map[Code]way{
	CodeReachable:     {after: wait(time.Minute)},
	CodeReady:         {settings: byHandOnly, after: wait(time.Minute)},
	OtherExternalPort: {before: inHome("other-external-port"), after: wait(time.Minute)},
	OwnOldEntry: {before: func(h *house) {
		h.Configure(func(f *simhome.Faults) { f.SecureMode, f.OtherPort = true, true })
	}, after: func(h *house) {
		h.pass(time.Minute)
		renumbered := home
		renumbered.Route.Local = netip.MustParseAddr("192.168.1.24")
		h.SetSelf(renumbered.Route.Local)
		h.moveTo(renumbered, nil)
		h.pass(3 * time.Second)
	}},
	NoNetwork:     {before: noRoute(route.ErrNoGateway), after: wait(time.Minute)},
	VPNInTheWay:   {before: noRoute(route.ErrOnlyTunnel), after: wait(time.Minute)},
	PublicNetwork: {before: func(h *house) { h.category = route.PublicNetwork }, after: wait(time.Minute)},
	NoInternet: {settings: byHandOnly, after: func(h *house) {
		h.pass(time.Minute)
		h.SetWAN(false)
		h.pass(5 * time.Minute)
	}},
	NoRouterAnswer:       {before: inHome("no-router-answer"), after: wait(time.Minute)},
	DoubleNAT:            {before: inHome("double-nat"), after: wait(time.Minute)},
	CarrierNAT:           {before: inHome("carrier-nat"), after: wait(time.Minute)},
	PublicAddressDiffers: {before: inHome("public-address-differs"), settings: byHandOnly, after: wait(time.Minute)},
	AddressUnknown: {before: func(h *house) {
		only(portmap.UPnP)(h)
		h.SetOuter(netip.IPv4Unspecified())
	}, settings: func(s *configs.Settings) {
		s.PublicIP.HTTP, s.PublicIP.STUN, s.Checker.Automatic = nil, nil, false
	}, after: wait(time.Minute)},
	MappingRefused:    {before: inHome("mapping-refused"), after: wait(time.Minute)},
	PortTaken:         {before: inHome("port-taken"), after: wait(time.Minute)},
	NotKept:           {before: inHome("not-kept"), after: wait(time.Minute)},
	WrongLocalAddress: {before: inHome("wrong-local-address"), after: wait(time.Minute)},
	FirewallBlocks: {before: func(h *house) {
		h.wall = firewall.Report{State: firewall.Blocks, Firewall: "ufw", Rule: "default: DROP", Next: "sudo ufw allow 27886/udp"}
	}, settings: byHandOnly, after: wait(time.Minute)},
	HostingElsewhere: {before: func(h *house) { h.elsewhere = true }, settings: byHandOnly, after: wait(2 * time.Minute)},
	NotForwarding:    {before: inHome("not-forwarding"), after: wait(2 * time.Minute)},
	HostStuck:        {before: func(h *house) { h.hosting, h.gameStuck = true, true }, after: askedCheck},
	NobodyAnswers:    {before: func(h *house) { h.deafVisitor = true }, after: wait(2 * time.Minute)},
	CheckerDown:      {before: func(h *house) { h.checkerDown = true }, after: askedCheck},
	Starting:         {before: inHome("no-router-answer"), after: wait(time.Second)},
	Stopped: {after: func(h *house) {
		h.pass(time.Minute)
		h.stop()
	}},
}

// TestStatuses comes to every diagnosis that there is, and wants that what is published then stays as
// it is in testdata/statuses: go test ./daemon -run TestStatuses -daemon.update
func TestStatuses(t *testing.T) {
	for _, code := range emittedCodes(t) {
		t.Run(string(code), func(t *testing.T) {
			w, known := ways[code]
			if !known {
				t.Fatal("no way to this diagnosis: add one to ways")
			}
			settings := checkSettings()
			settings.Router.OtherExternalPort = true
			settings.Router.Protocols = []string{"pcp", "upnp"} // PCP and NAT-PMP are equally fast
			if w.settings != nil {
				w.settings(&settings)
			}
			inHouseWith(t, settings, w.before, func(h *house) {
				w.after(h)
				h.want(code)
				days := h.d.Days()
				days.Ports[0].Days = days.Ports[0].Days[shownDays-2:] // the others are empty
				compareStatus(t, code, published{h.d.Status(), h.d.History(), days, h.d.Contacts()})
			})
		})
	}
}

// compareStatus wants that the words are those of the file. The rest of it is an example: numbers and
// times differ from run to run.
func compareStatus(t *testing.T, code Code, got published) {
	t.Helper()
	file := filepath.Join("testdata", "statuses", string(code)+".json")
	if *updateStatuses {
		text, err := json.MarshalIndent(got, "", " ")
		if err == nil {
			err = os.WriteFile(file, append(onOneLine(text), '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want published
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if g, w := spokenWords(got.Status.Ports[0]), spokenWords(want.Status.Ports[0]); g != w {
		t.Errorf("it says\n%s\nand in %s (write it anew with -daemon.update)\n%s", g, file, w)
	}
}

func spokenWords(p Port) string {
	words := fmt.Sprintln(p.Verdict, p.Code, p.Headline, p.NextStep, p.Address)
	for _, s := range p.Steps {
		words += fmt.Sprintln(s.ID, s.State, s.Summary, s.Detail)
	}
	return regexp.MustCompile(`\b\d\d:\d\d\b`).ReplaceAllString(words, "hh:mm") // in this PC's time zone
}

// onOneLine writes lists of numbers on one line each.
func onOneLine(b []byte) []byte {
	return regexp.MustCompile(`\[[\s\d,]+\]`).ReplaceAllFunc(b, func(list []byte) []byte {
		return bytes.Join(bytes.Fields(list), nil)
	})
}

// emittedCodes are the diagnoses of diagnosis.go that any other file comes to.
func emittedCodes(t *testing.T) []Code {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var others, source string
	for _, f := range files {
		text, err := os.ReadFile(f)
		switch {
		case err != nil:
			t.Fatal(err)
		case f == "diagnosis.go":
			source = string(text)
		case !strings.HasSuffix(f, "_test.go"):
			others += string(text)
		}
	}
	var codes []Code
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +Code = "([a-z-]+)"`).FindAllStringSubmatch(source, -1) {
		if regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(others) {
			codes = append(codes, Code(m[2]))
		}
	}
	if len(codes) < 20 {
		t.Fatalf("found only the codes %v", codes)
	}
	return codes
}
