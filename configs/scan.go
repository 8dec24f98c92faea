package configs

import "strings"

// The limits of a file that is worth reading. No settings file comes near them; without them a
// hostile one makes the TOML library recurse until the process dies (deep brackets) or build
// gigabytes of key names (long dotted keys, many keys under a long one).
const (
	maxDepth   = 32   // brackets in brackets, and parts of a dotted key
	maxKeyLen  = 64   // bytes in one part of a key
	maxEntries = 4096 // keys and table headers
)

// entry is one key, table header or element {…} of an array, in the order of the file.
type entry struct {
	table string // dotted name of the table it opens or stands in; "" is the top of the file
	index int    // which one, counted from 0, when table is an array of tables
	name  string // the key; "" for a header and for an element
	array bool   // a header in double brackets, or an element
	line  int
	raw   string // the value, header or element as written
}

// scanner walks TOML text for the one thing the TOML library does not tell: on which line a key
// stands. It checks no values and understands a bit more than TOML, never less; where it does not
// understand, it stops, and nothing behind that point is shown to the library.
type scanner struct {
	text    string
	pos     int
	line    int
	depth   int
	limit   string         // which limit was broken, "" for none
	count   map[string]int // [[headers]] seen, by name
	entries []entry
}

// run walks the whole text and reports whether it understood it to the end. If not, pos is where
// it stopped.
func (s *scanner) run() bool {
	table, index := "", 0
	for {
		s.blank()
		if s.pos == len(s.text) {
			return true
		}
		ok := false
		if s.peek() == '[' {
			table, index, ok = s.header()
		} else {
			ok = s.keyValue(table, index)
		}
		if !ok || !s.endOfLine() {
			return false
		}
	}
}

// header reads [a.b] or [[a.b]].
func (s *scanner) header() (table string, index int, ok bool) {
	start, line, end := s.pos, s.line, "]"
	if strings.HasPrefix(s.text[s.pos:], "[[") {
		end = "]]"
	}
	s.advance(len(end))
	parts, ok := s.path()
	if !ok || !strings.HasPrefix(s.text[s.pos:], end) {
		return "", 0, false
	}
	s.advance(len(end))
	table = strings.Join(parts, ".")
	array := end == "]]"
	if array {
		index = s.count[table]
		s.count[table]++
	}
	_, ok = s.add(entry{table: table, index: index, array: array, line: line, raw: s.text[start:s.pos]})
	return table, index, ok
}

// keyValue reads a.b = value inside the given table.
func (s *scanner) keyValue(table string, index int) bool {
	line := s.line
	parts, ok := s.path()
	if !ok || !s.accept('=') {
		return false
	}
	s.spaces()
	start, last := s.pos, len(parts)-1
	for _, part := range parts[:last] {
		table = dotted(table, part)
	}
	at, ok := s.add(entry{table: table, index: index, name: parts[last], line: line})
	if !ok || !s.value(dotted(table, parts[last]), index) {
		return false
	}
	s.entries[at].raw = s.text[start:s.pos]
	return true
}

// value reads any value; path is the key it belongs to.
func (s *scanner) value(path string, index int) bool {
	switch s.peek() {
	case '"', '\'':
		return s.quoted()
	case '[':
		return s.nested(func() bool { return s.array(path) })
	case '{':
		return s.nested(func() bool { return s.inlineTable(path, index) })
	}
	return s.bareValue()
}

// nested enters one more pair of brackets.
func (s *scanner) nested(read func() bool) bool {
	if s.depth == maxDepth {
		s.limit = "brackets nested deeper than 32"
		return false
	}
	s.depth++
	s.advance(1)
	ok := read()
	s.depth--
	return ok
}

// array reads the rest of [a, b], whose bracket has been read.
func (s *scanner) array(path string) bool {
	for index := 0; ; index++ {
		s.blank()
		if s.accept(']') {
			return true
		}
		if !s.element(path, index) {
			return false
		}
		s.blank()
		if !s.accept(',') {
			return s.accept(']')
		}
	}
}

// element reads one value of an array. A table among them is an entry of its own.
func (s *scanner) element(path string, index int) bool {
	if s.peek() != '{' {
		return s.value(path, index)
	}
	start := s.pos
	at, ok := s.add(entry{table: path, index: index, array: true, line: s.line})
	if !ok || !s.value(path, index) {
		return false
	}
	s.entries[at].raw = s.text[start:s.pos]
	return true
}

// inlineTable reads the rest of {a = b, c = d}, whose brace has been read.
func (s *scanner) inlineTable(path string, index int) bool {
	for {
		s.blank()
		if s.accept('}') {
			return true
		}
		if !s.keyValue(path, index) {
			return false
		}
		s.blank()
		if !s.accept(',') {
			return s.accept('}')
		}
	}
}

// add appends an entry and gives its position.
func (s *scanner) add(e entry) (at int, ok bool) {
	if len(s.entries) == maxEntries {
		s.limit = "more than 4096 keys"
		return 0, false
	}
	s.entries = append(s.entries, e)
	return len(s.entries) - 1, true
}

// dotted joins a table's name and a key's.
func dotted(table, name string) string {
	if table == "" {
		return name
	}
	return table + "." + name
}
