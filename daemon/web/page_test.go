package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// TestPageNeedsNobody: the page loads nothing from elsewhere and has nothing that the content
// policy would refuse.
func TestPageNeedsNobody(t *testing.T) {
	html, err := assets.ReadFile("assets/page.html")
	if err != nil {
		t.Fatal(err)
	}
	pageHTML := string(html)
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
		{[]daemon.Verdict{daemon.NotReady, daemon.Unknown}, "▲ You cannot host now · Portsitter"},
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
	if n := strings.Count(page, "<p>event</p>"); n != maxTimeline || !strings.Contains(page, "3 before that") {
		t.Errorf("%d events on the page", n)
	}
}

func BenchmarkFirstPage(b *testing.B) {
	sitter := newSitter(readScene(b, "reachable"))
	for b.Loop() {
		New(sitter, Options{}).render(nil)
	}
}

func BenchmarkPage(b *testing.B) {
	s, _ := newServer(b, Options{})
	for b.Loop() {
		s.render(nil)
	}
}

// TestSeveralPorts: all are listed, one is shown whole: the one asked for, else the one that needs it
// most.
func TestSeveralPorts(t *testing.T) {
	s := readScene(t, "demo-two-ports")
	s.Status.Ports[0].Verdict, s.Status.Ports[1].Verdict = daemon.Reachable, daemon.NotReady
	first, second := s.Status.Ports[0].Name, s.Status.Ports[1].Name
	server := New(newSitter(s), Options{Now: func() time.Time { return noon }})
	for query, whole := range map[string]string{"": "p1", "view=" + url.QueryEscape(first): "p0", "view=" + url.QueryEscape(second): "p1", "view=nonsense": "p1"} {
		page := ask(server, "GET", "/?"+query, nil).Body.String()
		if !strings.Contains(page, `data-part="`+whole+`"`) || strings.Count(page, `<section class="hero`) != 1 {
			t.Errorf("%q: port %s is not shown whole", query, whole)
		}
		if strings.Count(page, `<a data-swap href="/?view=`) != 2 || strings.Count(page, `aria-current="true"`) != 1 {
			t.Errorf("%q: not both ports are listed", query)
		}
		for _, m := range regexp.MustCompile(`action="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if query != "" && !strings.Contains(m[1], "view=") {
				t.Errorf("%q: the form %s loses what was looked at", query, m[1])
			}
		}
	}
}

// TestFollowsACheckWithoutTheScript: the browser asks again by itself while a check is under way, and
// only then.
func TestFollowsACheckWithoutTheScript(t *testing.T) {
	s := readScene(t, "reachable")
	const reload = `<noscript><meta http-equiv="refresh" content="2"></noscript>`
	if strings.Contains(draw(t, s, false), reload) {
		t.Error("it reloads though nothing is under way")
	}
	since := noon.Add(-7 * time.Second)
	s.Status.At = noon.Add(-3 * time.Second)
	s.Status.Ports[0].Outside = &daemon.Outside{State: "checking", Detail: "try 2 of 3", Since: &since}
	if page := draw(t, s, false); !strings.Contains(page, reload) || !strings.Contains(page, "data-count>7 s</time>") {
		t.Error("it does not reload, or does not say for how long the check runs")
	}
}

// TestTheBrokenPlace: the picture marks one place at most, and none when the port is open, or when the
// way in has worked and only the check's answer got lost.
func TestTheBrokenPlace(t *testing.T) {
	for name, s := range goldenScenes(t) {
		if _, isCode := strings.CutPrefix(name, "code-"); !isCode {
			continue
		}
		page := draw(t, s, false)
		broken := regexp.MustCompile(`<li class="s-broken [^"]*" data-place="(\w+)">\s*<details name="p0-way" id="[^"]*" open>`).FindAllStringSubmatch(page, -1)
		want := 0
		if o := s.Status.Ports[0].Outside; s.Status.Ports[0].Verdict == daemon.NotReady && (o == nil || !o.CameIn) {
			want = 1
		}
		if len(broken) != want || strings.Count(page, "data-place=") != 6 {
			t.Errorf("%s: broken places %v, want %d", name, broken, want)
		}
		if open := strings.Contains(page, "in-on out-on"); open != s.Status.Ports[0].Code.Open() {
			t.Errorf("%s: the way in is drawn as open: %t", name, open)
		}
	}
}

// TestAnswerThatGotLost: a check whose packets did come in says nothing against the way in, so nowhere
// on the page does the opponent stand outside.
func TestAnswerThatGotLost(t *testing.T) {
	s := readScene(t, "../testdata/statuses/nobody-answers")
	for cameIn, want := range map[bool][]string{
		true:  {`<li class="s-unknown in-maybe out-maybe" data-place="opponent">`, "It came in, but the answer got lost", ": it came in, but the answer got lost</p>"},
		false: {`<li class="s-broken in-cut out-off" data-place="opponent">`, ">does not get in<", "Nothing came in", ": nothing came in</p>"},
	} {
		s.Status.Ports[0].Outside.CameIn = cameIn
		page := draw(t, s, false)
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("came in %t: the page does not say %q", cameIn, words)
			}
		}
		if cameIn && strings.Contains(page, "get in<") {
			t.Error("the opponent does not get in, though the check did")
		}
	}
}

// TestDemoHint: what has to be done for a demo's fault to show stands at the top, and other notices do not.
func TestDemoHint(t *testing.T) {
	s := readScene(t, "reachable")
	s.Status.Demo, s.Status.Notices = true, []string{"Demo: To see it, press here"}
	page := draw(t, s, false)
	if !strings.Contains(page, "touches your router. To see it, press here.</p>") || strings.Contains(page, "Portsitter says of itself") {
		t.Error("the hint does not stand in the demo's line alone")
	}
	s.Status.Notices = append(s.Status.Notices, "Page: it is not served")
	if page := draw(t, s, false); strings.Count(page, "press here") != 1 || !strings.Contains(page, "<li>Page: it is not served</li>") {
		t.Error("the other notice is not in its place")
	}
}
