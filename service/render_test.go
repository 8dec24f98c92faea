package service

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/portsitter/portsitter/daemon"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *time.Time {
	t := noon.Add(d)
	return &t
}

// The drawn status is compared with testdata/status/NAME.txt: what a person sees, to be read as such.
func TestDrawnStatus(t *testing.T) {
	for name, s := range drawnStatuses() {
		t.Run(name, func(t *testing.T) {
			v := view{now: noon, verbose: true, marks: unicodeMarks()}
			compareGolden(t, name, v.status(s))
		})
	}
}

func TestDrawnStatusASCII(t *testing.T) {
	s := drawnStatuses()["broken-mapping"]
	s.Router.Name = "Größter Router ✓"
	v := view{now: noon, marks: asciiMarks()}
	got := v.status(s)
	compareGolden(t, "ascii", got)
	if i := strings.IndexFunc(got, func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
		t.Errorf("not ASCII from %q on", got[i:])
	}
}

// Whatever text a router, a checker or a game gives itself must not move the cursor, colour the
// screen, forge a line or turn the direction of the text.
func TestDrawnStatusIsHarmless(t *testing.T) {
	s := drawnStatuses()["hostile"]
	for _, m := range []marks{unicodeMarks(), asciiMarks()} {
		v := view{now: noon, verbose: true, marks: m}
		got := v.status(s)
		for _, r := range got {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%U reaches the terminal", r)
			}
		}
		if strings.Contains(got, "\n✓ forged") {
			t.Errorf("a forged line:\n%s", got)
		}
	}
}

// Whoever listens at the page's address can answer anything that is JSON.
func FuzzDrawnStatus(f *testing.F) {
	f.Add([]byte(`{"version":"0.1.0","ports":[{"steps":[{"id":"\u00e9\u001b[2J"}],"mapping":{"lease":-1}}]}`))
	f.Add([]byte(`{"public_ip":{"address":"fe80::1%\u202e","sources":{"":null}},"next":{"at":"9999-01-01T00:00:00Z","what":"x"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var s daemon.Status
		if json.Unmarshal(body, &s) != nil {
			return
		}
		v := view{now: noon, verbose: true, marks: unicodeMarks()}
		for _, r := range v.status(&s) {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("%U reaches the terminal", r)
			}
		}
		statusCode(&s)
	})
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "status", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run with -update to write it", err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant (%s):\n%s", got, file, want)
	}
}

func TestRoughly(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 s":    0,
		"89 s":   89 * time.Second,
		"2 min":  2*time.Minute + 59*time.Second,
		"89 min": 89 * time.Minute,
		"35 h":   35 * time.Hour,
		"2 days": 59 * time.Hour,
	} {
		if got := roughly(d); got != want {
			t.Errorf("roughly(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestMappingText(t *testing.T) {
	for _, c := range []struct {
		name    string
		mapping daemon.Mapping
		want    string
	}{
		{"lease ended", daemon.Mapping{Protocol: "pcp", External: ":27886", Internal: "192.168.77.2:27886", Lease: 3600, Expires: at(-5 * time.Minute), Owner: "ours"},
			"UDP :27886 -> 192.168.77.2:27886 by PCP, lease ended 5 min ago"},
		{"end not told", daemon.Mapping{Protocol: "nat-pmp", External: ":27886", Internal: "192.168.77.2:27886", Lease: 3600, Owner: "ours"},
			"UDP :27886 -> 192.168.77.2:27886 by NAT-PMP, for 60 min"},
		{"permanent", daemon.Mapping{Protocol: "upnp", External: ":27886", Internal: "192.168.77.2:27886", Owner: "ours"},
			"UDP :27886 -> 192.168.77.2:27886 by UPnP, until it is taken away"},
		{"by hand", daemon.Mapping{External: ":27886", Internal: "192.168.77.2:27886", Owner: "manual"},
			"UDP :27886 -> 192.168.77.2:27886, forwarded by hand"},
		{"another PC's", daemon.Mapping{Protocol: "upnp", External: ":27886", Owner: "other", Holder: "192.168.77.3"},
			"UDP :27886 -> 192.168.77.3, an entry of another PC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := view{now: noon}
			if got := v.mapping("udp", &c.mapping); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestPublicAddressText(t *testing.T) {
	a, b := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("10.11.12.13")
	for _, c := range []struct {
		name string
		ip   *daemon.PublicIP
		want string
	}{
		{"not known", nil, ""},
		{"no sources", &daemon.PublicIP{Address: a, Kind: "public"}, "203.0.113.7"},
		{"all agree", &daemon.PublicIP{Address: a, Kind: "public", Sources: map[string]netip.Addr{"stun": a, "router": a, "http": a}},
			"203.0.113.7, according to the router, a web page and a STUN server"},
		{"in dispute", &daemon.PublicIP{Address: a, Kind: "public", Sources: map[string]netip.Addr{"stun": a, "router": b}},
			"203.0.113.7, according to a STUN server; the router says 10.11.12.13"},
		{"private", &daemon.PublicIP{Address: b, Kind: "private", Sources: map[string]netip.Addr{"router": b}},
			"10.11.12.13 (private), according to the router"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := publicAddress(c.ip); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
