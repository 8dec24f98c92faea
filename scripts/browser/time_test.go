//go:build linux

package browser

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// slow is far beyond what the page promises, so that a busy machine does not fail the test: the
// figures are in its log.
const slow = time.Second

// A change is on the page at once. Not parallel: other tabs would be measured, too.
func TestLive(t *testing.T) {
	d := startDemo(t, "not-forwarding", manual)
	d.awaitCode(5*time.Second, "ready")
	b := openTab(t, d, "/")
	b.sees(2*time.Second, "Live")
	js[bool](b, `(() => {
		window.saw = [];
		const note = () => saw.push([Date.now(), document.body.textContent.replace(/\s+/g, ' ')]);
		new MutationObserver(note).observe(document.body, {subtree: true, childList: true, characterData: true});
		note();
		return true;
	})()`)
	var took []time.Duration
	for n := range d.follow() {
		var at int64
		eventually(t, 5*time.Second, fmt.Sprintf("the page says %q", n.words), func() bool {
			at = js[int64](b, fmt.Sprintf(`(saw.find(([at, text]) => at >= %d - 1000 && text.includes(%s)) ?? [0])[0]`, n.at.UnixMilli(), quoted(n.words)))
			return at != 0
		}, b.text)
		took = append(took, max(0, time.UnixMilli(at).Sub(n.at)))
	}
	if len(took) < 3 {
		t.Fatalf("only %d changes were seen", len(took))
	}
	slices.Sort(took)
	t.Logf("from publication to page: median %v, longest %v of %d changes", took[len(took)/2], took[len(took)-1], len(took))
	if took[len(took)-1] > slow {
		t.Errorf("a change was on the page only after %v", took[len(took)-1])
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string can always be encoded
	return string(b)
}

// piece is something that the program has published and had not said before.
type piece struct {
	at    time.Time
	words string
}

// blink is how long something has to be true to be missed on the page.
const blink = 300 * time.Millisecond

// follow asks for a check, and gives the words of its rung as the event stream brings them, until
// the check is over. Words that are outdated at once need not be seen by anybody.
func (d *demo) follow() <-chan piece {
	d.t.Helper()
	rsp, err := http.Get("http://" + d.page + "/api/v1/events")
	if err != nil {
		d.t.Fatal(err)
	}
	d.post("/api/v1/check")
	news := make(chan piece, 100)
	go func() {
		defer close(news)
		defer rsp.Body.Close()
		lines := bufio.NewScanner(rsp.Body)
		lines.Buffer(nil, 1<<20)
		var last piece
		for checking := false; lines.Scan(); {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			var s status
			if !found || json.Unmarshal([]byte(data), &s) != nil {
				continue
			}
			running := s.Ports[0].Outside.State == "checking"
			if words := s.Ports[0].step("outside").Summary; words != last.words {
				if checking && time.Since(last.at) > blink {
					news <- last
				}
				last = piece{time.Now(), words}
			}
			if checking && !running {
				return
			}
			checking = running
		}
	}()
	return news
}

// The page is there before somebody can wonder where it is, and it is small.
func TestFirstPaint(t *testing.T) {
	d := startDemo(t, "", "")
	d.awaitCode(10*time.Second, "reachable")
	b := openTab(t, d, "/") // the first time a browser opens anything it is busy with itself
	var paints []float64
	for range 5 {
		b.do(chromedp.Reload())
		var at float64
		eventually(t, 5*time.Second, "a first paint", func() bool {
			at = js[float64](b, `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0`)
			return at > 0
		}, b.text)
		paints = append(paints, at)
		size := js[int](b, `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
			.filter(e => e.initiatorType !== 'fetch' && !e.name.includes('/api/')).reduce((sum, e) => sum + e.decodedBodySize, 0)`)
		if size < 5000 || size > 60<<10 {
			t.Errorf("the page has %d bytes, at most %d are promised", size, 60<<10)
		}
		if len(paints) == 5 {
			t.Logf("the whole page has %d bytes", size)
		}
	}
	slices.Sort(paints)
	t.Logf("first paint after %.0f ms (median), at most %.0f ms", paints[2], paints[4])
	if paints[4] > float64(slow.Milliseconds()) {
		t.Errorf("first paint after %.0f ms", paints[4])
	}
}
