package configs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field joins a key to the place in Settings that it sets.
type field struct {
	set     func(v any) *refusal // takes a decoded TOML value, or says what is allowed
	literal func() string        // the present value, as TOML
}

// refusal says why a value was not taken.
type refusal struct {
	element string // the element of a list it is about, "" for the whole value
	allowed string
	hint    string
}

// oneOf accepts a few words.
func oneOf(what string, words []string) check {
	return func(text string) *refusal {
		if slices.Contains(words, text) {
			return nil
		}
		last := len(words) - 1
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = quote(w)
		}
		return &refusal{
			allowed: what + " is " + strings.Join(quoted[:last], ", ") + " or " + quoted[last],
			hint:    didYouMean(text, words, quote),
		}
	}
}

// boolField is true or false.
func boolField(p *bool) field {
	return field{
		set: func(v any) *refusal {
			b, ok := v.(bool)
			if !ok {
				return &refusal{allowed: "this is true or false, without quotes"}
			}
			*p = b
			return nil
		},
		literal: func() string { return strconv.FormatBool(*p) },
	}
}

// portField is a port number.
func portField(p *uint16) field {
	return field{
		set: func(v any) *refusal {
			n, ok := v.(int64)
			if !ok || n < 1 || n > 65535 {
				r := &refusal{allowed: "a port is a whole number from 1 to 65535"}
				if _, isText := v.(string); isText {
					r.hint = "write it without quotes"
				}
				return r
			}
			*p = uint16(n)
			return nil
		},
		literal: func() string { return strconv.Itoa(int(*p)) },
	}
}

// timeField is a duration in whole seconds between two bounds. A number without a unit is refused:
// the TOML library would take it for nanoseconds.
func timeField(p *time.Duration, least, most time.Duration) field {
	return field{
		set: func(v any) *refusal {
			text, _ := v.(string)
			d, err := time.ParseDuration(text)
			if err != nil || d < least || d > most || d%time.Second != 0 {
				return &refusal{allowed: fmt.Sprintf(
					"this is a time from %q to %q in whole seconds, in quotes and with its unit (s, m or h)", short(least), short(most))}
			}
			*p = d
			return nil
		},
		literal: func() string { return quote(short(*p)) },
	}
}

// textField is one text that stands for a value of type T.
func textField[T any](p *T, parse func(string) (T, *refusal), show func(T) string) field {
	return field{
		set: func(v any) *refusal {
			value, r := textOf(v, parse)
			if r == nil {
				*p = value
			}
			return r
		},
		literal: func() string { return quote(show(*p)) },
	}
}

// textOf parses a decoded value that has to be text.
func textOf[T any](v any, parse func(string) (T, *refusal)) (T, *refusal) {
	text, isText := v.(string)
	value, r := parse(text)
	if isText {
		return value, r
	}
	if r == nil {
		r = &refusal{allowed: "this is text"}
	}
	r.hint = `put it in "quotes"`
	return value, r
}

// maxList bounds the length of every list in the file.
const maxList = 32

// listField is a list of texts that stand for values of type T. An empty list is nil.
func listField[T comparable](p *[]T, repeats bool, parse func(string) (T, *refusal), show func(T) string) field {
	return field{
		set: func(v any) *refusal {
			values, ok := v.([]any)
			if !ok || len(values) > maxList {
				return &refusal{allowed: `this is a list in square brackets, such as ["one", "two"], of at most 32`}
			}
			var list []T
			for _, v := range values {
				value, r := textOf(v, parse)
				if r == nil && !repeats && slices.Contains(list, value) {
					r = &refusal{allowed: "the list has it already"}
				}
				if r != nil {
					r.element = element(v)
					return r
				}
				list = append(list, value)
			}
			*p = list
			return nil
		},
		literal: func() string {
			words := make([]string, len(*p))
			for i, v := range *p {
				words[i] = quote(show(v))
			}
			return "[" + strings.Join(words, ", ") + "]"
		},
	}
}

// element shows an element of a list in an error.
func element(v any) string {
	if text, ok := v.(string); ok {
		return shown(quote(redacted(text)), maxShown)
	}
	return shown(fmt.Sprint(v), maxShown)
}

// notEmpty refuses an empty list.
func notEmpty(f field) field {
	set := f.set
	f.set = func(v any) *refusal {
		if list, ok := v.([]any); ok && len(list) == 0 {
			return &refusal{allowed: "the list needs at least one element"}
		}
		return set(v)
	}
	return f
}

// checked makes a parser of a check.
func checked(ok check) func(string) (string, *refusal) {
	return func(text string) (string, *refusal) { return text, ok(text) }
}

// asIs shows a text that stands for itself.
func asIs(text string) string { return text }

// short writes a duration without the units that are zero: 1h, not 1h0m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// quote writes text as a TOML basic string. Go's %q will not do: TOML knows no \a, \v and \x7f.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
