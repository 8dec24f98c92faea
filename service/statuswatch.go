package service

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// watchPace is how patient a watch is.
type watchPace struct {
	silence time.Duration // a daemon that says nothing for so long is not connected: it publishes every 10 s
	again   time.Duration // pause before it is asked again
	poll    time.Duration // between two questions where all event streams are taken
}

var usualPace = watchPace{silence: 15 * time.Second, again: 2 * time.Second, poll: 10 * time.Second}

// statusWatch is one `status --watch`.
type statusWatch struct {
	a               *app
	pace            watchPace
	page            netip.AddrPort
	asJSON, verbose bool
	screen          bool // stdout is a terminal that can be cleared
	last            *daemon.Status
	said            string // what the last block said, so that only changes make a new one
	erred           bool   // it has been said that there is no connection
}

// watchStatus shows the status and every change of it until ctx ends; the exit code is that of the
// last one. Only a daemon that cannot be had at the start is an error: later it may come back.
func (a *app) watchStatus(ctx context.Context, pace watchPace, asJSON, verbose bool) error {
	page, err := a.page()
	if err != nil {
		return err
	}
	w := statusWatch{a: a, pace: pace, page: page, asJSON: asJSON, verbose: verbose}
	if f, ok := a.stdout.(*os.File); ok && !asJSON {
		is, colours := terminal(f)
		w.screen = is && colours
	}
	for {
		pause, err := w.follow(ctx)
		switch {
		case ctx.Err() != nil && w.last != nil:
			return statusCode(w.last)
		case ctx.Err() != nil:
			return fail(exitUnknown, "stopped before anything was known")
		case err != nil && (w.last == nil || errors.Is(err, errOutput)):
			return err
		case err != nil && !w.erred:
			fmt.Fprintf(a.stderr, "portsitter: not connected, trying again: %s\n", plain(err.Error()))
			w.erred, w.said = true, ""
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// errOutput marks that what was seen cannot be written.
var errOutput = errors.New("the status cannot be written")

// follow reads one event stream to its end, or asks once where there is none to be had. It returns how
// long to wait before the next.
func (w *statusWatch) follow(ctx context.Context) (pause time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(w.pace.silence, cancel)
	defer silence.Stop()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // its own: without a proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.page.String()+"/api/v1/events", nil)
	if err != nil {
		return w.pace.again, fmt.Errorf("the page http://%s cannot be asked: %w", w.page, err)
	}
	request.Header.Set("User-Agent", userAgent())
	answer, err := client.Do(request)
	if err != nil {
		return w.pace.again, w.poll(ctx)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return w.pace.poll, w.poll(ctx)
	}
	const longest = 1 << 20
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		data, is := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !is {
			continue
		}
		silence.Reset(w.pace.silence)
		if err := w.take(data); err != nil {
			return w.pace.again, err
		}
	}
	return w.pace.again, fail(exitUnknown, "no word from http://%s any more", w.page)
}

// poll asks once; it knows all the words for what can go wrong.
func (w *statusWatch) poll(ctx context.Context) error {
	body, err := askStatus(ctx, w.page)
	if err != nil {
		return err
	}
	return w.take(body)
}

// take shows one status.
func (w *statusWatch) take(body []byte) error {
	s, err := readStatus(body, w.page)
	if err != nil {
		return err
	}
	if w.a.portFlag != "" {
		if s.Ports, err = onlyPort(s.Ports, statusPortName, w.a.portFlag); err != nil {
			return err
		}
	}
	w.last, w.erred = s, false
	text := ""
	if w.asJSON {
		text = string(bytes.TrimSpace(body)) + "\n"
	} else if text = w.draw(s); text == "" {
		return nil
	}
	if _, err := io.WriteString(w.a.stdout, text); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	return nil
}

// draw is the status for people: on a terminal always the whole of it in place of the last one, else a
// block for each change.
func (w *statusWatch) draw(s *daemon.Status) string {
	v := view{now: time.Now(), verbose: w.verbose, marks: marksFor(w.a.stdout)}
	if w.screen {
		const clear = "\x1b[H\x1b[2J"
		return clear + v.status(s) + "\nCtrl+C ends this.\n"
	}
	said := whatItSays(s)
	if said == w.said {
		return ""
	}
	w.said = said
	v.line("-- %s", s.At.Local().Format("2006-01-02 15:04:05"))
	return v.status(s) + "\n"
}

// whatItSays is the part of a status whose change is worth a block of its own.
func whatItSays(s *daemon.Status) string {
	type port struct {
		Name, Code, Headline, NextStep, Address string
		Steps                                   []string
	}
	ports := make([]port, len(s.Ports))
	for i, p := range s.Ports {
		ports[i] = port{Name: p.Name, Code: string(p.Code), Headline: p.Headline, NextStep: p.NextStep, Address: p.Address}
		for _, step := range p.Steps {
			ports[i].Steps = append(ports[i].Steps, string(step.State)+step.Summary)
		}
	}
	b, _ := json.Marshal(struct { // it cannot fail: there is nothing but text in it
		Ports   []port
		Notices []string
	}{ports, s.Notices})
	return string(b)
}
