package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// TestPageNeedsNobody: the page loads nothing from elsewhere and has nothing that the content
// policy would refuse.
func TestPageNeedsNobody(t *testing.T) {
	page := pageHTML + pageCSS + pageJS
	for _, bad := range []string{`(?i)https?://`, `(?i)\sstyle=`, `(?i)\son[a-z]+=`, `(?i)<style`, `(?i)javascript:`, `@import`, `url\(`, `innerHTML`, `eval\(`} {
		if at := regexp.MustCompile(bad).FindString(page); at != "" {
			t.Errorf("the page has %q", at)
		}
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]`).FindString(pageHTML); inline != "" {
		t.Errorf("inline script %q", inline)
	}
}

func TestHiddenAddress(t *testing.T) {
	s := readScene(t, "ready-hidden")
	copied := regexp.MustCompile(`data-copy="[^"]*"`)
	public := regexp.MustCompile(`203\.0\.113\.\d+`)

	hidden := draw(t, s, true)
	if got := copied.FindString(hidden); got != `data-copy="203.0.113.7:27886"` {
		t.Errorf("copied while hidden: %q", got)
	}
	if at := public.FindString(copied.ReplaceAllString(hidden, "")); at != "" {
		t.Errorf("%s is on the page though hidden", at)
	}
	if !strings.Contains(hidden, `href="/?show=1"`) || !strings.Contains(hidden, "192.168.77.2") {
		t.Error("no way to show the address, or the home's own addresses are hidden, too")
	}

	server := New(newSitter(s), Options{HideAddress: true, Now: func() time.Time { return noon }})
	if got := ask(server, "GET", "/?show=1", nil).Body.String(); !strings.Contains(got, `<p class="address">203.0.113.7:27886</p>`) {
		t.Error("/?show=1 does not show the address")
	}
	if got := ask(server, "GET", "/", nil).Body.String(); strings.Contains(got, `<p class="address">203`) {
		t.Error("/ shows the address")
	}
}

// TestStrangersText: what routers and checkers say stays text.
func TestStrangersText(t *testing.T) {
	s := readScene(t, "double-nat")
	const evil = "</p><script>alert('x')</script>\" onclick=\"x\" \x1b[31m\u202e{{.}}"
	p := &s.Status.Ports[0]
	p.Name, p.Headline, p.NextStep, p.Address, p.Code = evil, evil, evil, evil, evil
	p.Verdict, p.Transport = evil, evil
	for i := range p.Steps {
		p.Steps[i] = daemon.Step{ID: evil, State: evil, Summary: evil, Detail: evil}
	}
	*p.Mapping = daemon.Mapping{Protocol: evil, Internal: evil, External: evil, Owner: evil, Holder: evil}
	*p.Outside = daemon.Outside{State: evil, AnsweredBy: evil, Checker: evil, Detail: evil}
	p.Game = &daemon.Game{Listening: true, Process: evil}
	s.Status.Router.Name, s.Status.Router.Protocols = evil, []string{evil}
	s.Status.Route.Interface = evil
	s.Status.Next.What, s.Status.Notices = evil, []string{evil}
	s.History = []daemon.Event{{At: noon, Kind: evil, Text: evil}}
	for _, hidden := range []bool{true, false} {
		page := draw(t, s, hidden)
		for _, bad := range []string{"<script>", "alert('x')<", "\x1b", "\u202e", `" onclick`} {
			if strings.Contains(page, bad) {
				t.Errorf("the page has %q", bad)
			}
		}
	}
}

func TestNothingKnownIsNeverGood(t *testing.T) {
	s := readScene(t, "starting")
	s.Status.Ports[0].Verdict = "splendid"
	s.Status.Ports[0].Steps[0].State = "splendid"
	page := draw(t, s, false)
	if strings.Contains(page, `class="s-ok"`) || !strings.Contains(page, `class="hero v-unknown"`) {
		t.Error("an unknown state is drawn as good")
	}
	s.Status.Ports = nil
	if page := draw(t, s, false); !strings.Contains(page, "No port is configured") {
		t.Error("no words for a page without ports")
	}
}

func TestTitleAndPictureShowTheWorstPort(t *testing.T) {
	tests := []struct {
		verdicts []daemon.Verdict
		title    string
	}{
		{[]daemon.Verdict{daemon.Reachable}, "● Reachable · Portsitter"},
		{[]daemon.Verdict{daemon.Reachable, daemon.Ready}, "◉ Ready to host · Portsitter"},
		{[]daemon.Verdict{daemon.Ready, daemon.Checking}, "◌ Checking · Portsitter"},
		{[]daemon.Verdict{daemon.Unknown, daemon.Checking}, "○ Not known yet · Portsitter"},
		{[]daemon.Verdict{daemon.NotReady, daemon.Unknown}, "▲ Not ready · Portsitter"},
		{nil, "○ Not known yet · Portsitter"},
	}
	pictures := map[string]string{}
	for _, tt := range tests {
		st := &daemon.Status{}
		for _, v := range tt.verdicts {
			st.Ports = append(st.Ports, daemon.Port{Verdict: v})
		}
		s := New(newSitter(scene{Status: st}), Options{})
		if page := ask(s, "GET", "/", nil).Body.String(); !strings.Contains(page, "<title>"+tt.title+"</title>") {
			t.Errorf("%v: title is not %q", tt.verdicts, tt.title)
		}
		pictures[tt.title] = ask(s, "GET", "/favicon.svg", nil).Body.String()
	}
	seen := map[string]bool{}
	for _, p := range pictures {
		seen[p] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d different pictures, want 5", len(seen))
	}
}

func TestTimelineIsBounded(t *testing.T) {
	s := readScene(t, "reachable")
	s.History = nil
	for i := range maxTimeline + 3 {
		s.History = append(s.History, daemon.Event{At: noon.Add(time.Duration(i) * time.Second), Text: "event"})
	}
	page := draw(t, s, false)
	if n := strings.Count(page, "<p>event</p>"); n != maxTimeline || !strings.Contains(page, "3 earlier events") {
		t.Errorf("%d events on the page", n)
	}
}

func BenchmarkFirstPage(b *testing.B) {
	sitter := newSitter(readScene(b, "reachable"))
	for b.Loop() {
		if _, err := New(sitter, Options{}).render(false, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	s, _ := newServer(b, Options{})
	for b.Loop() {
		if _, err := s.render(false, ""); err != nil {
			b.Fatal(err)
		}
	}
}
