package configs

import "strings"

// This file holds the scanner's smallest parts: key names, quoted text, bare values, blanks.

// path reads the parts of a dotted key: a."b".c
func (s *scanner) path() ([]string, bool) {
	var parts []string
	for {
		s.spaces()
		part, ok := s.keyPart()
		if !ok {
			return nil, false
		}
		if len(part) > maxKeyLen {
			s.limit = "a key longer than 64 bytes"
			return nil, false
		}
		if len(parts) == maxDepth {
			s.limit = "a key with more than 32 parts"
			return nil, false
		}
		parts = append(parts, part)
		s.spaces()
		if !s.accept('.') {
			return parts, true
		}
	}
}

// keyPart reads one part of a key. A part in quotes is given without them when it did not need
// any, and as written otherwise: no key of ours needs quotes, so it is an unknown one.
func (s *scanner) keyPart() (string, bool) {
	start := s.pos
	if c := s.peek(); c == '"' || c == '\'' {
		if !s.oneLine(c) {
			return "", false
		}
		raw := s.text[start:s.pos]
		if inner := raw[1 : len(raw)-1]; inner != "" && bareLen(inner) == len(inner) {
			return inner, true
		}
		return raw, true
	}
	n := bareLen(s.text[s.pos:])
	s.advance(n)
	return s.text[start:s.pos], n > 0
}

// bareLen is how much of text a key without quotes may consist of.
func bareLen(text string) int {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' {
			return i
		}
	}
	return len(text)
}

// quoted reads text in quotes of any kind.
func (s *scanner) quoted() bool {
	quote := s.peek()
	if triple := strings.Repeat(string(quote), 3); strings.HasPrefix(s.text[s.pos:], triple) {
		return s.manyLines(quote)
	}
	return s.oneLine(quote)
}

// oneLine reads "text" or 'text'.
func (s *scanner) oneLine(quote byte) bool {
	for i := s.pos + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\n':
			s.advance(i - s.pos)
			return false
		case c == quote:
			s.advance(i + 1 - s.pos)
			return true
		case c == '\\' && quote == '"' && i+1 < len(s.text) && s.text[i+1] != '\n':
			i++
		}
	}
	s.advance(len(s.text) - s.pos)
	return false
}

// manyLines reads text between three quotes of a kind. Up to two more may stand right before the
// closing ones.
func (s *scanner) manyLines(quote byte) bool {
	for i := s.pos + 3; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			if quote == '"' {
				i++
			}
		case quote:
			run := 1
			for run < 6 && strings.HasPrefix(s.text[i+run:], string(quote)) {
				run++
			}
			if run >= 3 {
				s.advance(i + run - s.pos)
				return run < 6
			}
			i += run - 1
		}
	}
	s.advance(len(s.text) - s.pos)
	return false
}

// bareValue reads a number, a boolean or a date. What it does not look like ends the walk.
func (s *scanner) bareValue() bool {
	rest := s.text[s.pos:]
	if end := strings.IndexAny(rest, ",]}#\r\n"); end >= 0 {
		rest = rest[:end]
	}
	rest = strings.TrimRight(rest, " \t")
	if odd := strings.IndexAny(rest, `[{"'=`); odd >= 0 {
		s.advance(odd)
		return false
	}
	s.advance(len(rest))
	return rest != ""
}

// endOfLine reads the rest of a line, on which nothing but a comment may stand.
func (s *scanner) endOfLine() bool {
	s.spaces()
	s.comment()
	rest := s.text[s.pos:]
	return rest == "" || rest[0] == '\n' || strings.HasPrefix(rest, "\r\n")
}

// blank skips white space, ends of lines and comments.
func (s *scanner) blank() {
	for {
		rest := s.text[s.pos:]
		s.advance(len(rest) - len(strings.TrimLeft(rest, " \t\r\n")))
		if !s.comment() {
			return
		}
	}
}

// comment skips a comment, up to the end of its line, and reports whether there was one.
func (s *scanner) comment() bool {
	if s.peek() != '#' {
		return false
	}
	rest, _, _ := strings.Cut(s.text[s.pos:], "\n")
	s.advance(len(rest))
	return true
}

func (s *scanner) spaces() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// peek gives the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos == len(s.text) {
		return 0
	}
	return s.text[s.pos]
}

// accept skips c if it is next, and reports whether it was.
func (s *scanner) accept(c byte) bool {
	if s.pos == len(s.text) || s.text[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

// advance moves on by n bytes and counts the lines.
func (s *scanner) advance(n int) {
	s.line += strings.Count(s.text[s.pos:s.pos+n], "\n")
	s.pos += n
}
