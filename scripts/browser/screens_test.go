//go:build linux

package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// screen is how to bring about a diagnosis. Where nothing is said, it is `demo --break CODE`.
type screen struct {
	fault    string
	settings string
	ask      bool // it shows when a check is asked for
	stop     bool // it shows when the program ends
	slow     bool // it takes half a minute: several checks have to fail, or the router has to be asked again
}

// screens has the diagnoses that are not simply the demo's fault of that name.
var screens = map[string]screen{
	"reachable":      {fault: ""},
	"ready":          {fault: "", settings: manual},
	"host-stuck":     {fault: "host-stuck", ask: true},
	"checker-down":   {fault: "checker-down", ask: true},
	"no-internet":    {fault: "no-internet", slow: true},
	"not-forwarding": {fault: "not-forwarding", slow: true},
	"nobody-answers": {fault: "nobody-answers", slow: true},
	"stopped":        {fault: "", stop: true},
}

// codes are the diagnoses that the program can come to: those of diagnosis.go that any other line of
// the daemon speaks of.
func codes(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../../daemon/diagnosis.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../daemon/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "_test.go") {
			all.Write(text)
		}
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +Code = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
		uses := regexp.MustCompile(`\b`+m[1]+`\b`).FindAllString(all.String(), 2)
		if len(uses) > 1 {
			found = append(found, m[2])
		}
	}
	if len(found) < 20 {
		t.Fatalf("found only the codes %v", found)
	}
	return found
}

// TestScreens shows every diagnosis to people with a desktop, with a phone, by day and by night, and
// to axe-core. A new diagnosis needs a fault of the demo, or a line in screens.
func TestScreens(t *testing.T) {
	t.Parallel()
	for _, code := range codes(t) {
		how, special := screens[code]
		if !special {
			how = screen{fault: code}
		}
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, how.fault, how.settings)
			b, want := show(t, d, code, how)
			b.sees(5*time.Second, unmasked(want.Headline))
			for _, v := range views {
				examine(t, b, code, v)
			}
			for _, width := range []int64{640, 320} { // 1280 at 200 % and 400 %
				b.do(view{width: width, height: 450}.emulate())
				b.fits(fmt.Sprintf("%d pixels wide", width))
			}
			if title := js[string](b, `document.title`); address.MatchString(title) {
				t.Errorf("the title %q tells an address", title)
			}
		})
	}
}

// show opens the page of a demo that has come to a diagnosis.
func show(t *testing.T, d *demo, code string, how screen) (*tab, port) {
	t.Helper()
	switch {
	case how.ask:
		d.awaitCode(5*time.Second, "ready")
		d.post("/api/v1/check?while_hosting=1")
	case how.stop:
		d.awaitCode(10*time.Second, "reachable")
		b := openTab(t, d, "/")
		b.sees(2*time.Second, "reached from outside")
		b.mayLose()
		d.end(syscall.SIGTERM)
		return b, port{Headline: "Portsitter has stopped"}
	}
	within := 10 * time.Second
	if how.slow {
		within = 40 * time.Second
	}
	want := d.awaitCode(within, code)
	return openTab(t, d, "/"), want
}

var address = regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`)

// unmasked is the longest part of a sentence that the page shows whatever it hides.
func unmasked(sentence string) string {
	longest := ""
	for _, part := range address.Split(sentence, -1) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return strings.Trim(regexp.MustCompile(`:\d+`).ReplaceAllString(longest, ""), " :")
}

// examine looks at one screen in one view, and keeps a picture of it.
func examine(t *testing.T, b *tab, code string, v view) {
	t.Helper()
	b.do(v.emulate())
	b.fits(v.name)
	if !v.dark || !v.phone { // its colours and its shape have been looked at already
		for _, violation := range b.violations() {
			t.Errorf("%s: %s", v.name, violation)
		}
	}
	b.keep(code, v)
}

// keep keeps pictures of the page in some views.
func (b *tab) keep(name string, views ...view) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = b.t.ArtifactDir()
	}
	for _, v := range views {
		b.do(v.emulate())
		if err := os.WriteFile(filepath.Join(dir, name+"-"+v.name+".png"), b.picture(true), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

// picture is the page as a PNG, whole or what is seen of it without scrolling.
func (b *tab) picture(whole bool) (png []byte) {
	b.t.Helper()
	if whole {
		b.do(chromedp.FullScreenshot(&png, 100))
		return png
	}
	b.do(chromedp.CaptureScreenshot(&png))
	return png
}

// fits fails the test when something sticks out at the side.
func (b *tab) fits(where string) {
	b.t.Helper()
	out := js[[]string](b, `(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return [];
		return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > wide + 1)
			.map(e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40));
	})()`)
	if len(out) > 0 {
		b.t.Errorf("%s: the page is wider than the window: %s", where, strings.Join(out, "; "))
	}
}

// violations are what axe-core finds, all of its rules included.
func (b *tab) violations() []string {
	b.t.Helper()
	if !js[bool](b, `'axe' in window`) {
		b.do(chromedp.Evaluate(built.axe, nil))
	}
	return js[[]string](b, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v =>
		v.id + ' (' + v.impact + ') at ' + v.nodes.length + ' places: ' + v.nodes.slice(0, 4).map(n =>
			n.target.join(' ') + ': ' + n.failureSummary.replace(/\s+/g, ' ')).join('; ')))`)
}
