package web

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
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
	HideAddress bool           `json:"hide_address"`
	Status      *daemon.Status `json:"status"`
	History     []daemon.Event `json:"history"`
}

func readScene(t testing.TB, name string) scene {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var s scene
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// draw renders a scene as GET / would.
func draw(t testing.TB, s scene, hidden bool) string {
	t.Helper()
	server := New(newSitter(s), Options{HideAddress: s.HideAddress, Version: "1.4.0", Now: func() time.Time { return noon }})
	b, err := server.render(hidden, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGoldenPages(t *testing.T) {
	for _, name := range []string{"reachable", "ready-hidden", "double-nat", "starting", "demo-two-ports"} {
		t.Run(name, func(t *testing.T) {
			s := readScene(t, name)
			got := draw(t, s, s.HideAddress)
			if size := len(got) + len(pageCSS) + len(pageJS); size > 60<<10 {
				t.Errorf("page, style and script have %d bytes, more than 60 KiB", size)
			}
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
