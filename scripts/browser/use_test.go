//go:build linux

package browser

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const reached = "Reached from outside"

// What is copied is what an opponent has to type, also while the page hides it from a stream.
func TestCopy(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"hidden": "/", "shown": "/?show=1"} {
		t.Run(name, func(t *testing.T) { // not side by side: there is one clipboard
			d := startDemo(t, "", manual)
			want := d.awaitCode(5*time.Second, "ready").Address
			b := openTab(t, d, path)
			if seen := strings.Contains(b.text(), want); seen != (name == "shown") {
				t.Errorf("the page shows %s: %v", want, seen)
			}
			b.click(button("^copy( the)?( address)?$"))
			b.sees(2*time.Second, "Copied")
			if got := js[string](b, `navigator.clipboard.readText()`); got != want {
				t.Errorf("the clipboard holds %q, want %q", got, want)
			}
			if seen := strings.Contains(b.text(), want); seen != (name == "shown") {
				t.Errorf("after copying the page shows %s: %v", want, seen)
			}
			b.changedSince()
		})
	}
}

// changedSince looks for the mark beside an address that is not the one that was copied last.
func (b *tab) changedSince() {
	b.t.Helper()
	const mark = "changed since you last copied"
	b.do(chromedp.Reload())
	if text := b.text(); strings.Contains(text, mark) {
		b.t.Errorf("it says that the address has changed: %s", text)
	}
	js[bool](b, `Object.keys(localStorage).forEach(k => localStorage.setItem(k, '192.0.2.1:27886')) ?? true`)
	b.do(chromedp.Reload())
	b.sees(5*time.Second, mark)
}

// The check button says what is going on, and then what came out.
func TestCheck(t *testing.T) {
	t.Parallel()
	t.Run("reached", func(t *testing.T) {
		t.Parallel()
		d := startDemo(t, "", manual)
		d.awaitCode(5*time.Second, "ready")
		b := openTab(t, d, "/")
		b.click(button("^check"))
		b.sees(5*time.Second, reached)
		if p := d.awaitCode(time.Second, "reachable"); !strings.Contains(b.text(), unmasked(p.Headline)) {
			t.Errorf("the page does not say %q: %s", p.Headline, b.text())
		}
	})
	t.Run("not reached", func(t *testing.T) {
		t.Parallel()
		d := startDemo(t, "not-forwarding", manual)
		d.awaitCode(5*time.Second, "ready")
		b := openTab(t, d, "/")
		b.click(button("^check"))
		seen := d.progress(b)
		t.Logf("progress: %q", seen)
		if len(seen) < 2 {
			t.Error("that is too little for ten seconds")
		}
		b.sees(5*time.Second, "nothing from outside comes through")
	})
}

// progress collects what the page says about the check under way: what the program says at that time.
func (d *demo) progress(b *tab) (seen []string) {
	d.t.Helper()
	d.await(40*time.Second, "the end of the check", func(p port) bool {
		words := p.step("outside").Summary
		if p.Outside.State == "checking" && !slices.Contains(seen, words) && strings.Contains(b.text(), words) {
			seen = append(seen, words)
		}
		return p.Outside.State == "unreachable"
	})
	return seen
}

// While somebody hosts, a check is a risk that the page asks about first.
func TestCheckWhileHosting(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "", manual)
	d.awaitCode(5*time.Second, "ready")
	game, err := net.ListenUDP("udp4", &net.UDPAddr{Port: d.game}) // a host that answers nobody
	if err != nil {
		t.Fatal(err)
	}
	defer game.Close()
	b := openTab(t, d, "/")
	const question = "throw an opponent out"
	if !strings.Contains(b.text(), question) { // it has not noticed the game yet
		b.click(button("^check"))
		b.sees(5*time.Second, question)
	}
	b.keep("question", views...)
	b.click(button("^check"))
	d.awaitCode(20*time.Second, "host-stuck")
	b.sees(2*time.Second, "did not answer the check")
}

// A page whose program has died must not look like good news.
func TestKilled(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "", "")
	d.awaitCode(10*time.Second, "reachable")
	b := openTab(t, d, "/")
	if b.grey() {
		t.Fatal("it is grey while the program lives")
	}
	b.mayLose()
	start := time.Now()
	d.end(syscall.SIGKILL)
	eventually(t, 12*time.Second, "the page is grey", b.grey, b.text)
	t.Logf("grey %v after the kill", time.Since(start).Round(100*time.Millisecond))
	b.sees(time.Second, "No word for")
	for _, v := range views {
		examine(t, b, "killed", v)
	}
	d.start()
	eventually(t, 20*time.Second, "the page has its colour back by itself", func() bool { return !b.grey() }, b.text)
	b.sees(5*time.Second, "Live")
}

// grey reports whether the verdict has lost its colour.
func (b *tab) grey() bool {
	b.t.Helper()
	return js[bool](b, `(() => {
		for (let e = document.querySelector('main h2, main h1'); e; e = e.parentElement)
			if (/grayscale\(1\)/.test(getComputedStyle(e).filter)) return true;
		return document.documentElement.classList.contains('stale') && !document.querySelector('main').getAnimations().length;
	})()`)
}

// Without JavaScript the page tells the same, and its buttons work.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "", manual+"[page]\nhide_address = false\n")
	d.awaitCode(5*time.Second, "ready")
	b := openTab(t, d, "/", emulation.SetScriptExecutionDisabled(true))
	p := d.awaitCode(time.Second, "ready")
	facts := []string{p.Headline, p.NextStep, p.Address}
	for _, s := range p.Steps {
		facts = append(facts, s.Summary, s.Detail)
	}
	// Details are closed, but there.
	text := js[string](b, `document.body.textContent.replace(/\s+/g, ' ')`)
	for _, fact := range facts {
		if !strings.Contains(text, strings.Join(strings.Fields(fact), " ")) {
			t.Errorf("the page does not tell %q", fact)
		}
	}
	b.keep("without-javascript", views...)
	b.click(button("^check"))
	d.awaitCode(10*time.Second, "reachable")
	eventually(t, 10*time.Second, "looking again tells the result", func() bool {
		if strings.Contains(b.text(), reached) {
			return true
		}
		b.do(chromedp.Evaluate(button("ask the router")+"?.click()", nil))
		return false
	}, b.text)
}

// Who wants less motion gets none, not even while a check is under way.
func TestReducedMotion(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "not-forwarding", manual)
	d.awaitCode(5*time.Second, "ready")
	b := openTab(t, d, "/")
	media := emulation.SetEmulatedMedia()
	b.do(media.WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}))
	b.click(button("^check"))
	d.await(5*time.Second, "checking", func(p port) bool { return p.Verdict == "checking" })
	b.sees(2*time.Second, d.await(time.Second, "words", func(p port) bool { return true }).step("outside").Summary)
	if moving := js[[]string](b, `document.getAnimations().map(a => a.animationName ?? a.transitionProperty ?? 'script')`); len(moving) > 0 {
		t.Errorf("this moves: %v", moving)
	}
	b.keep("checking", views[0], views[2])
}

// step is a rung of the ladder.
func (p port) step(id string) (s struct{ ID, State, Summary, Detail string }) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s
		}
	}
	panic(fmt.Sprintf("the ladder has no rung %q: %+v", id, p.Steps))
}
