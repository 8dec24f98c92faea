package service

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveWatch runs a page that answers as given, and a watch of it; until ends the watch when the
// output has these words.
func runWatch(t *testing.T, pace watchPace, asJSON bool, until string, page http.HandlerFunc) (code int, stdout, stderr string) {
	t.Helper()
	defer noGoroutinesLeft(t)
	server := httptest.NewServer(page)
	defer server.Close()
	var out, errs safeBuffer
	a := &app{stdout: &out, stderr: &errs, pageFlag: strings.TrimPrefix(server.URL, "http://")}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out.wrote = func(all string) {
		if until != "" && strings.Contains(all, until) {
			cancel()
		}
	}
	err := a.watchStatus(ctx, pace, asJSON, false)
	return report(&errs, err), out.String(), errs.String()
}

// say writes one event.
func say(w http.ResponseWriter, body string) {
	fmt.Fprintf(w, "id: 1\nevent: status\ndata: %s\n\n", body)
	w.(http.Flusher).Flush()
}

func watched(code, headline string, pass int) string {
	verdict := map[string]string{"ready": "ready", "port-taken": "not-ready", "starting": "unknown"}[code]
	return fmt.Sprintf(`{"version":"0.1.0","pass":%d,"at":"2026-11-20T12:00:00Z","ports":[{"name":"A","verdict":%q,"code":%q,"headline":"%s"}]}`, pass, verdict, code, headline)
}

var quick = watchPace{silence: 10 * time.Second, again: 5 * time.Millisecond, poll: 5 * time.Millisecond}

func TestWatchStatus(t *testing.T) {
	code, stdout, stderr := runWatch(t, quick, false, "Port 27886 is taken", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "retry: 2000\n\n: still here\n\n")
		for pass := range 3 { // nothing new: no new block
			say(w, watched("ready", "You can host", pass))
		}
		say(w, watched("port-taken", "Port 27886 is taken\\u001b[2J", 4))
		<-r.Context().Done()
	})
	if code != exitNot || stderr != "" {
		t.Errorf("exit code %d, %.300q", code, stderr)
	}
	if n := strings.Count(stdout, "-- 2026"); n != 2 || strings.Count(stdout, "You can host") != 1 {
		t.Errorf("%d blocks:\n%.600s", n, stdout)
	}
	if strings.Contains(stdout, "\x1b") {
		t.Errorf("an escape sequence: %q", stdout)
	}
}

func TestWatchStatusJSON(t *testing.T) {
	code, stdout, _ := runWatch(t, quick, true, `"pass":2`, func(w http.ResponseWriter, r *http.Request) {
		for pass := range 3 {
			say(w, watched("ready", "You can host", pass))
		}
		<-r.Context().Done()
	})
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != exitOK || len(lines) != 3 {
		t.Errorf("exit code %d, %d lines", code, len(lines))
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// TestWatchStatusComesBack: the daemon is restarted meanwhile, or falls silent.
func TestWatchStatusComesBack(t *testing.T) {
	for name, gone := range map[string]func(http.ResponseWriter, *http.Request){
		"broken off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"silent":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"ended":      func(http.ResponseWriter, *http.Request) {},
		"nonsense":   func(w http.ResponseWriter, _ *http.Request) { say(w, `{"hello":1}`) },
	} {
		t.Run(name, func(t *testing.T) {
			pace := quick
			pace.silence = 200 * time.Millisecond
			var turn atomic.Int32
			code, stdout, stderr := runWatch(t, pace, false, "It works again", func(w http.ResponseWriter, r *http.Request) {
				switch n := turn.Add(1); {
				case n == 1:
					say(w, watched("ready", "You can host", 1))
					gone(w, r)
				case n < 4:
					gone(w, r)
				default:
					say(w, watched("ready", "It works again", 1))
					<-r.Context().Done()
				}
			})
			if code != exitOK || strings.Count(stderr, "not connected, trying again") != 1 {
				t.Errorf("exit code %d, says %.300q", code, stderr)
			}
			if strings.Count(stdout, "-- 2026") != 2 {
				t.Errorf("shows\n%.600s", stdout)
			}
		})
	}
}

// TestWatchStatusPolls: all event streams are taken.
func TestWatchStatusPolls(t *testing.T) {
	var asked atomic.Int32
	code, stdout, _ := runWatch(t, quick, false, "Opening", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/v1/events":
			w.Header().Set("Retry-After", "10")
			w.WriteHeader(http.StatusServiceUnavailable)
		case asked.Add(1) < 3:
			fmt.Fprint(w, watched("ready", "You can host", 1))
		default:
			fmt.Fprint(w, watched("starting", "Opening", 1))
		}
	})
	if code != exitUnknown || strings.Count(stdout, "-- 2026") != 2 {
		t.Errorf("exit code %d\n%.600s", code, stdout)
	}
}

// TestWatchStatusOfNothing: what is wrong at the start is an error as without --watch.
func TestWatchStatusOfNothing(t *testing.T) {
	page, _ := freePorts(t)
	a := &app{stdout: &safeBuffer{}, stderr: &safeBuffer{}, pageFlag: page.String()}
	if code := report(&safeBuffer{}, a.watchStatus(t.Context(), quick, false, false)); code != exitNotRunning {
		t.Errorf("nobody there: exit code %d", code)
	}
	if code, _, stderr := runWatch(t, quick, false, "", http.NotFound); code != exitUnknown || !strings.Contains(stderr, "404") {
		t.Errorf("another program: exit code %d, %s", code, stderr)
	}
	if code, _, _ := runWatch(t, quick, false, "", func(w http.ResponseWriter, _ *http.Request) { say(w, `[]`) }); code != exitUnknown {
		t.Errorf("no status: exit code %d", code)
	}
}
