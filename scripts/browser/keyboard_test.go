//go:build linux

package browser

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// stop is where the Tab key leads.
type stop struct {
	Name    string
	Tag     string
	Visible bool // something shows where it is
	Order   int  // tabindex
}

const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return {Tag: '', Name: ''};
	const s = getComputedStyle(e);
	return {
		Tag: e.tagName.toLowerCase(), Name: (e.ariaLabel || e.innerText || e.textContent).trim().replace(/\s+/g, ' '),
		Visible: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== 'none', Order: e.tabIndex,
	};
})()`

// Everything that the mouse can do, the keyboard can: Tab leads to all of it in the order in which it
// is seen, and Enter works.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "", manual)
	d.awaitCode(5*time.Second, "ready")
	b := openTab(t, d, "/")
	walk := b.walk()
	for _, s := range walk {
		t.Logf("%s: %s", s.Tag, short(s.Name))
		switch {
		case s.Name == "":
			t.Errorf("a %s has no name", s.Tag)
		case !s.Visible:
			t.Errorf("nothing shows that %s %q has the focus", s.Tag, s.Name)
		case s.Order > 0:
			t.Errorf("%s %q jumps the queue: tabindex %d", s.Tag, s.Name, s.Order)
		}
	}
	places := []int{}
	for _, want := range []string{`(?i)^copy`, `(?i)^check`, `(?i)^details`} {
		at := slices.IndexFunc(walk, func(s stop) bool { return regexp.MustCompile(want).MatchString(s.Name) })
		if at < 0 {
			t.Fatalf("Tab does not lead to %s", want)
		}
		places = append(places, at)
	}
	if !slices.IsSorted(places) {
		t.Errorf("copy, check and details come as stops %v", places)
	}
	b.open(`(?i)^details`)
	b.goTo(`(?i)^check`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees(5*time.Second, reached)
}

// walk presses Tab until it comes round, and returns where it came by.
func (b *tab) walk() (stops []stop) {
	b.t.Helper()
	const most = 200
	for range most {
		b.do(chromedp.KeyEvent(kb.Tab))
		s := js[stop](b, focused)
		if s.Tag == "" && len(stops) > 0 {
			return stops
		}
		if s.Tag != "" {
			stops = append(stops, s)
		}
		if js[bool](b, `(() => { const seen = document.activeElement.walked; document.activeElement.walked = true; return !!seen; })()`) {
			return stops[:len(stops)-1]
		}
	}
	b.t.Fatalf("no end after %d times Tab", most)
	return nil
}

// goTo presses Tab until something of that name has the focus.
func (b *tab) goTo(name string) {
	b.t.Helper()
	re := regexp.MustCompile(name)
	for range 200 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if re.MatchString(js[stop](b, focused).Name) {
			return
		}
	}
	b.t.Fatalf("Tab does not lead to %s", name)
}

// open opens the details of that name by Enter, and closes them again by Space.
func (b *tab) open(name string) {
	b.t.Helper()
	b.goTo(name)
	const isOpen = `!!document.activeElement.closest('details')?.open`
	before := js[bool](b, isOpen)
	b.do(chromedp.KeyEvent(kb.Enter))
	if js[bool](b, isOpen) == before {
		b.t.Errorf("Enter does not open %s", name)
	}
	b.do(chromedp.KeyEvent(" "))
	if js[bool](b, isOpen) != before {
		b.t.Errorf("Space does not close %s", name)
	}
}
