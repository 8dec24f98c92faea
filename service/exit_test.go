package service

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		text string
	}{
		{"all is well", nil, exitOK, ""},
		{"only a code", &failure{code: exitNot}, exitNot, ""},
		{"any error", errors.New("the disk is full: make room"), exitNot, "portsitter: the disk is full: make room\n"},
		{"wrong usage", fail(exitUsage, "no such thing: say %q", "run"), exitUsage, "portsitter: no such thing: say \"run\"\n"},
		{"wrapped", fmt.Errorf("at start: %w", fail(exitNotRunning, "not running")), exitNotRunning, "portsitter: at start: not running\n"},
		{"hostile text stays one line", errors.New("router says \x1b[2J\nportsitter: all is well"), exitNot, "portsitter: router says [2J portsitter: all is well\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if code := report(&b, c.err); code != c.code || b.String() != c.text {
				t.Errorf("got %d %q, want %d %q", code, b.String(), c.code, c.text)
			}
		})
	}
}

func TestFailureKeepsItsCause(t *testing.T) {
	if !errors.Is(fail(exitUsage, "%w", fs.ErrNotExist), fs.ErrNotExist) {
		t.Error("errors.Is does not find the cause")
	}
}

func TestDidYouMean(t *testing.T) {
	verbs := []string{"run", "status", "config", "completion", "Kaillera P2P"}
	for word, want := range map[string]string{
		"stats":                  `did you mean "status"?`,
		"STATUS":                 `did you mean "status"?`,
		"stauts":                 `did you mean "status"?`,
		"rum":                    `did you mean "run"?`,
		"kailera p2p":            `did you mean "Kaillera P2P"?`,
		"conpletion":             `did you mean "completion"?`,
		"frobnicate":             "",
		"":                       "",
		"xyz":                    "",
		strings.Repeat("a", 1e6): "",
	} {
		if got := didYouMean(word, verbs); got != want {
			t.Errorf("didYouMean(%.20q) = %q, want %q", word, got, want)
		}
	}
}
