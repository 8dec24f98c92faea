package web

import (
	"encoding/json"
	"flag"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

var update = flag.Bool("update", false, "write the golden pages anew")

// noon is the time in every test.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// scene is what testdata/*.json holds: all that a page is drawn from.
type scene struct {
	HideAddress bool             `json:"hide_address"`
	Status      *daemon.Status   `json:"status"`
	History     []daemon.Event   `json:"history"`
	Days        daemon.Days      `json:"days"`
	Contacts    []daemon.Contact `json:"contacts"`
}

func readScene(t testing.TB, name string) scene {
	t.Helper()
	if !strings.Contains(filepath.ToSlash(name), "/") {
		name = "testdata/" + name
	}
	b, err := os.ReadFile(filepath.FromSlash(name) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var s scene
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// draw renders a scene as GET / would, a moment after it was published.
func draw(t testing.TB, s scene, hidden bool) string {
	t.Helper()
	now := s.Status.At.Add(3 * time.Second)
	server := New(newSitter(s), Options{HideAddress: s.HideAddress, Version: "1.4.0", Now: func() time.Time { return now }})
	query := url.Values{}
	if !hidden {
		query.Set("show", "1")
	}
	return string(server.render(query))
}

// goldenScenes are the scenes of testdata, and one for each diagnosis as the daemon publishes it:
// daemon.TestStatuses keeps those true.
func goldenScenes(t testing.TB) map[string]scene {
	t.Helper()
	scenes := map[string]scene{}
	for dir, prefix := range map[string]string{"testdata": "", "../testdata/statuses": "code-"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(files) < 5 {
			t.Fatalf("%d scenes in %s: %v", len(files), dir, err)
		}
		for _, f := range files {
			s := readScene(t, strings.TrimSuffix(f, ".json"))
			scenes[prefix+strings.TrimSuffix(filepath.Base(f), ".json")] = s
		}
	}
	return scenes
}

// mostBytes is what page, style and script may have together.
const mostBytes = 60 << 10

func TestGoldenPages(t *testing.T) {
	for name, s := range goldenScenes(t) {
		t.Run(name, func(t *testing.T) {
			got := draw(t, s, s.HideAddress)
			if size := len(got) + len(pageCSS) + len(pageJS); size > mostBytes {
				t.Errorf("page, style and script have %d bytes, more than %d", size, mostBytes)
			}
			begin, end := strings.Index(got, "<main"), strings.Index(got, "</main>")
			got = got[begin:end] + "</main>\n" // the rest is in assets/page.html
			file := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if at := firstDifference(got, string(want)); at != "" {
				t.Errorf("the page differs from %s (write it anew with -update):\n%s", file, at)
			}
		})
	}
}

// TestWorstPageIsSmall: a month of ups and downs, a long timeline, many ports, every detail.
func TestWorstPageIsSmall(t *testing.T) {
	s := worstScene(t)
	size := len(draw(t, s, false)) + len(pageCSS) + len(pageJS)
	t.Logf("%d bytes", size)
	if size > mostBytes {
		t.Errorf("the worst page has %d bytes with style and script, more than %d", size, mostBytes)
	}
}

func worstScene(t testing.TB) scene {
	s := readScene(t, "testdata/demo-two-ports")
	p := s.Status.Ports[0]
	for i := range 30 {
		p.Name = "Port " + strconv.Itoa(i)
		s.Status.Ports = append(s.Status.Ports, p)
	}
	days := daemon.PortDays{Port: s.Status.Ports[0].Name, Days: make([]daemon.Day, 30)}
	for i := range days.Days {
		d := &days.Days[i]
		d.Date = noon.AddDate(0, 0, i-29).Format(time.DateOnly)
		for hour := range 24 {
			d.Open[hour], d.Shut[hour] = 1800*(hour%3), 1800*((hour+i)%2)
		}
		s.Days.Addresses = append(s.Days.Addresses, daemon.AddressChange{At: noon.AddDate(0, 0, i-29), Address: netip.MustParseAddr("203.0.113.7")})
	}
	s.Days.Ports = []daemon.PortDays{days}
	for range 2 * maxTimeline {
		s.History = append(s.History, daemon.Event{At: noon, Kind: "verdict", Port: p.Name, Code: daemon.NotForwarding, Shut: 100_000,
			Text: p.Name + ": " + p.Headline + ", " + p.Headline})
	}
	for range 6 {
		s.Contacts = append(s.Contacts, daemon.Contact{Whom: "stun.example:3478, stun2.example:3478", Why: "tells your public address", When: "every 30 min", Off: "stun = [] in [public_ip]"})
	}
	return s
}

// firstDifference shows the first line in which two pages differ. Line ends do not count: git may
// change them on Windows.
func firstDifference(got, want string) string {
	lines := func(s string) []string { return strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") }
	g, w := lines(got), lines(want)
	for i := range max(len(g), len(w)) {
		a, b := "(end)", "(end)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return "got  " + a + "\nwant " + b
		}
	}
	return ""
}
