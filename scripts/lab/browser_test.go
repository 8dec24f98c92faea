//go:build lab && linux

package lab

import (
	"context"
	_ "embed"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// checkPage does what Smash64 Online's page does: it posts JSON as text without a content type, and
// reads the JSON inside the JSON of the answer.
//
//go:embed testdata/check.html
var checkPage string

// A page of another origin asks the checker in a real browser, and shows both outcomes.
func TestBrowser(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.lab("router", "forward", "27886")
	h.checker()
	h.serve("lan", "127.0.0.1:8000", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, checkPage) // a browser that has left is seen by its test
	}))
	address := at(outer, kaillera).String()
	if got, want := h.browse("http://127.0.0.1:8000/"), "failure: "+address+", Unable to connect: the port is closed"; got != want {
		t.Errorf("nobody hosts: the page shows %q, want %q", got, want)
	}
	game := h.game()
	if got, want := h.browse("http://127.0.0.1:8000/"), "success: Host plays SMASH BROTHERS on "+address; got != want {
		t.Errorf("somebody hosts: the page shows %q, want %q", got, want)
	}
	if v := game.view(kaillera); v.Counts.Requests != 1 || v.Counts.Chats != 0 {
		t.Errorf("the game has seen %+v, want one request and no chat", v)
	}
}

var resultElement = regexp.MustCompile(`(?s)<p id="result">(.*?)</p>`)

// browse opens a page in Chromium and returns its result when all its questions are answered.
func (h *home) browse(url string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 40*time.Second)
	defer cancel()
	dir := h.t.TempDir()
	inside := h.command("lan", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--no-first-run", "--user-data-dir="+dir,
		"--virtual-time-budget=20000", "--dump-dom", url)
	cmd := exec.CommandContext(ctx, inside.Path, inside.Args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.WaitDelay = time.Second
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("%v: %v\n%s", cmd, err, stderrOf(err))
	}
	h.t.Logf("the browser took %v", time.Since(start).Round(time.Millisecond))
	m := resultElement.FindSubmatch(out)
	if m == nil {
		h.t.Fatalf("no result in\n%s", out)
	}
	return string(m[1])
}
