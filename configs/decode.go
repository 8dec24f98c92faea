package configs

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// document is a file that is right as TOML: its values, and its keys in their order.
type document struct {
	root    map[string]any
	entries []entry
}

// plainText takes a byte order mark away and makes sure that the rest is UTF-8.
func plainText(text string) (string, *Error) {
	wrong := &Error{Read: "the file is not plain UTF-8 text", Hint: "save it again as UTF-8 (in Notepad: Save as, Encoding)"}
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || strings.ContainsRune(text, 0) {
		return "", wrong // UTF-16, as editors on Windows may write it
	}
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			wrong.Line = 1 + strings.Count(text[:i], "\n")
			return "", wrong
		}
	}
	return strings.TrimPrefix(text, "\xef\xbb\xbf"), nil
}

// decode reads text as TOML.
func decode(text string) (document, *Error) {
	s := scanner{text: text, line: 1, count: map[string]int{}}
	whole := s.run()
	if s.limit != "" {
		return document{}, &Error{Line: s.line, Read: s.limit, Hint: "no setting needs that"}
	}
	if !whole {
		// The library gets to see what the scanner has walked, the offending character included: it
		// has the better words for what is wrong with it.
		_, size := utf8.DecodeRuneInString(text[s.pos:])
		text = text[:s.pos+size]
	}
	var root map[string]any
	err := caught(func() error {
		_, err := toml.Decode(text, &root)
		return err
	})
	if err != nil {
		return document{}, syntaxError(err, s.line)
	}
	if !whole {
		return document{}, &Error{Line: s.line, Read: "this line cannot be read"}
	}
	return document{root: root, entries: s.entries}, nil
}

// errLibrary stands for a panic inside the TOML library.
var errLibrary = errors.New("this is not TOML")

// caught calls the TOML library. What it did not expect it reports by a panic ("BUG: …"), and a
// settings file must not be able to end the process.
func caught(library func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errLibrary
		}
	}()
	return library()
}

// syntaxError puts the library's error into ours; line is where the scanner stopped, for errors
// that have no position.
func syntaxError(err error, line int) *Error {
	e := &Error{Line: line, Read: "cannot be read: " + shown(err.Error(), maxMessage)}
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return e
	}
	message := shown(strings.TrimSuffix(pe.Message, "."), maxMessage)
	if after, ok := strings.CutPrefix(message, "Key "); ok {
		message = "key " + after
	}
	e.Line = max(1, pe.Position.Line)
	e.Key = shown(pe.LastKey, maxShown)
	e.Hint = syntaxHint(message)
	if strings.HasSuffix(pe.LastKey, "password") || strings.HasSuffix(pe.LastKey, "url") {
		message = "the value of " + e.Key + " is not right" // the message may quote a secret
	}
	e.Read = "cannot be read: " + message
	return e
}

// syntaxHint says what usually lies behind a message of the TOML library.
func syntaxHint(message string) string {
	for _, h := range [...]struct{ part, hint string }{
		{"escape", `write Windows paths in 'single quotes'`},
		{"hexadecimal digits", `write Windows paths in 'single quotes'`},
		{"expected value but found", `put text in "quotes"`},
		{"strings cannot contain newlines", `close the quotes at the end of the text`},
		{"expected '.' or '='", `a line is KEY = VALUE`},
		{"already", `write it once`},
		{"end with a newline", `one KEY = VALUE stands on a line`},
	} {
		if strings.Contains(message, h.part) {
			return h.hint
		}
	}
	return ""
}
