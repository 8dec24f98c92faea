package configs

import (
	"fmt"
	"strings"
	"unicode"
)

// Error is one thing that is wrong in a settings file: the first one in the order of the file.
// Secrets (the password's hash, webhook URLs) are never quoted in it.
type Error struct {
	File    string // as given to Load or Parse
	Line    int    // counted from 1; 0 when it is about the file as a whole
	Key     string // dotted: "router.lease", "port.external_port"; "" when it is about no key
	Read    string // what stands there: `port = 70000`, or what is wrong with it in words
	Allowed string // what may stand there; "" when Read says all
	Hint    string // what to do: `did you mean "port"?`; may be ""
}

// Error is one sentence for people: where, what was read, what is allowed, what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.File == "" {
		b.WriteString("settings")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	b.WriteString(": " + e.Read)
	separator := ": "
	if e.Allowed != "" {
		b.WriteString(" is not allowed: " + e.Allowed)
		separator = "; "
	}
	if e.Hint != "" {
		b.WriteString(separator + e.Hint)
	}
	return b.String()
}

// in completes an error with the name of the file.
func (e *Error) in(name string) *Error {
	e.File = name
	return e
}

// How much of a file's text, and of the TOML library's words, an error repeats, in characters.
const (
	maxShown   = 60
	maxMessage = 200
)

// shown makes text from a file fit for one line of a log: the first line of it, at most most
// characters, and none among them that could turn or hide the rest of the message.
func shown(text string, most int) string {
	first, _, more := strings.Cut(text, "\n")
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimRight(first, "\r") {
		if n++; n > most {
			more = true
			break
		}
		if !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	if more {
		b.WriteString("…")
	}
	return b.String()
}
