package service

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// plain makes one line of s that a terminal can show as it is: white space becomes a space, and
// what does not print (escape sequences, direction marks, zero width letters) is left out. Text
// from a router, a checker or a file could else move the cursor or forge lines.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, s)
}

// ascii is plain for a terminal that shows nothing but ASCII.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range plain(s) {
		switch r {
		case '“', '”':
			r = '"'
		case '‘', '’':
			r = '\''
		case '–', '—':
			r = '-'
		case '…':
			b.WriteString("..")
			r = '.'
		}
		if r > unicode.MaxASCII {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// visible writes what does not print as \u001b, so that it can be read in a log and does nothing.
func visible(s string) string {
	// tint turns a written-out \x1b back into an escape, even one that a router wrote out itself.
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), `\x1b`, `\u001b`)
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// roughly says how long d is, to the precision that a person needs.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 36*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// list joins words as a sentence does: "a", "a and b", "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
