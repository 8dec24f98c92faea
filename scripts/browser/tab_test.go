//go:build linux

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// view is how somebody looks at the page.
type view struct {
	name          string
	width, height int64
	dark, phone   bool
}

var views = []view{
	{name: "desktop-light", width: 1280, height: 900},
	{name: "desktop-dark", width: 1280, height: 900, dark: true},
	{name: "phone-light", width: 360, height: 740, phone: true},
	{name: "phone-dark", width: 360, height: 740, phone: true, dark: true},
}

// tab is one tab of the browser. What pages store is apart, because each demo has a port of its own;
// the clipboard is everybody's.
type tab struct {
	t      *testing.T
	ctx    context.Context
	host   string // host:port of the page, the only one that it may speak to
	killed bool   // the program was killed on purpose: requests fail

	mu         sync.Mutex
	complaints []string
}

// openTab opens the page of a demo, and fails the test in the end if the page has complained on the
// console or has asked another host for anything.
func openTab(t *testing.T, d *demo, path string, prepare ...chromedp.Action) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(built.browser, 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	b := &tab{t: t, ctx: ctx, host: d.page}
	chromedp.ListenTarget(ctx, b.hear)
	b.do(network.Enable(), cdplog.Enable(), runtime.Enable(), emulation.SetFocusEmulationEnabled(true),
		chromedp.ActionFunc(allowClipboard), views[0].emulate())
	b.do(prepare...)
	b.do(chromedp.Navigate("http://" + d.page + path))
	t.Cleanup(b.judge)
	return b
}

// allowClipboard lets the tests read the clipboard, too: a page may only write it.
func allowClipboard(ctx context.Context) error {
	ctx = cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		permission := &browser.PermissionDescriptor{Name: name}
		if err := browser.SetPermission(permission, browser.PermissionSettingGranted).Do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hear notes what a page must not do. It is called by the browser's events.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && u.Host != b.host {
			b.complain("asks another host: " + e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			b.complain(fmt.Sprintf("console %s: %s", e.Type, consoleWords(e.Args)))
		}
	case *runtime.EventExceptionThrown:
		b.complain("exception: " + e.ExceptionDetails.Error())
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.LevelError || e.Entry.Level == cdplog.LevelWarning {
			b.complain(fmt.Sprintf("log: %s %s", e.Entry.Text, e.Entry.URL))
		}
	}
}

func consoleWords(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, strings.TrimSpace(string(a.Value)+" "+a.Description))
	}
	return strings.Join(words, " ")
}

func (b *tab) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.killed && strings.Contains(what, "net::ERR_") {
		return
	}
	b.complaints = append(b.complaints, what)
}

func (b *tab) judge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the page: %s", c)
	}
}

// mayLose says that the program will be gone from now on.
func (b *tab) mayLose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.killed = true
}

// emulate makes the browser look like a view.
func (v view) emulate() chromedp.Action {
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(v.width, v.height, 1, v.phone),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
	}
}

// do runs actions of the browser, and ends the test at the first that fails.
func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// js evaluates an expression in the page, or the promise of one.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	var got T
	var raw []byte
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true).WithUserGesture(true)
	}
	if err := chromedp.Run(b.ctx, chromedp.Evaluate(expression, &raw, await)); err != nil {
		b.t.Fatalf("%s: %v", short(expression), err)
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		b.t.Fatalf("%s: %v in %s", short(expression), err, raw)
	}
	return got
}

func short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// text is what can be read in the page, in one line.
func (b *tab) text() string {
	b.t.Helper()
	return js[string](b, `(document.body?.innerText ?? '').replace(/\s+/g, ' ')`)
}

// sees waits until the page says something.
func (b *tab) sees(within time.Duration, words string) {
	b.t.Helper()
	eventually(b.t, within, fmt.Sprintf("the page says %q", words), func() bool {
		return strings.Contains(b.text(), words)
	}, b.text)
}

// button finds the first visible button whose name matches a regular expression of JavaScript.
func button(pattern string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('button')].find(b => b.checkVisibility() && !b.disabled && /%s/i.test(b.innerText.trim()))`, pattern)
}

// click does it like a mouse: at the middle of the element, so that nothing may lie over it.
func (b *tab) click(element string) {
	b.t.Helper()
	at := js[[]float64](b, fmt.Sprintf(`(() => {
		const e = %s;
		if (!e) throw new Error('no such element in: ' + document.body.innerText);
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, element))
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}
