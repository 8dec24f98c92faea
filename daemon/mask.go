package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/portsitter/portsitter/netutil/publicip"
)

// masker replaces what tells where somebody lives by words: the same word for the same thing, so that
// a text stays readable, and with its kind, because that is what a diagnosis is about.
type masker struct {
	words  map[string]string // what it stands for, by what was replaced
	counts map[string]int    // by kind
	names  []maskedName      // the longest first
}

type maskedName struct{ name, kind string }

// newMasker masks addresses, hardware addresses, UUIDs, the user's part of a path, and these names.
func newMasker(hosts, users []string) *masker {
	m := &masker{words: map[string]string{}, counts: map[string]int{}}
	add := func(kind string, names []string) {
		for _, n := range names {
			// A shorter one is found in every other word; the others are nobody's.
			if n = strings.ToLower(n); len(n) >= 3 && n != "localhost" && n != "root" && n != "system" && n != "portsitter" {
				m.names = append(m.names, maskedName{n, kind})
			}
		}
	}
	add("host", hosts)
	add("user", users)
	slices.SortStableFunc(m.names, func(a, b maskedName) int { return len(b.name) - len(a.name) })
	return m
}

func (m *masker) word(kind, what string) string {
	w, known := m.words[kind+" "+what]
	if !known {
		m.counts[kind]++
		w = fmt.Sprintf("%s-%d", kind, m.counts[kind])
		m.words[kind+" "+what] = w
	}
	return w
}

// text is s with everything masked.
func (m *masker) text(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		word, n := m.at(s, i)
		if n == 0 {
			word, n = s[i:i+1], 1
		}
		b.WriteString(word)
		i += n
	}
	return b.String()
}

// at is what the n bytes from i on are to be replaced by; n is 0 where nothing is.
func (m *masker) at(s string, i int) (word string, n int) {
	before := byte(' ')
	if i > 0 {
		before = s[i-1]
	}
	if n := uuidAt(s[i:]); n > 0 && !isHex(before) {
		return m.word("uuid", strings.ToLower(s[i:i+n])), n
	}
	if n := macAt(s[i:]); n > 0 && !isHex(before) {
		return m.word("mac", strings.ToLower(strings.ReplaceAll(s[i:i+n], "-", ":"))), n
	}
	if a, n := ipv4At(s[i:]); n > 0 && !isDigit(before) && before != '.' {
		return m.address(a, s[i:i+n]), n
	}
	if a, n := ipv6At(s[i:]); n > 0 && !isWord(before) && before != ':' && before != '.' {
		return m.address(a, s[i:i+n]), n
	}
	if n := userAt(s, i); n > 0 {
		return m.word("user", strings.ToLower(s[i:i+n])), n
	}
	for _, n := range m.names {
		end := i + len(n.name)
		if !isWord(before) && end <= len(s) && strings.EqualFold(s[i:end], n.name) && (end == len(s) || !isWord(s[end])) {
			return m.word(n.kind, n.name), len(n.name)
		}
	}
	return "", 0
}

// address is the word for an address; one that tells nothing about anybody stays as it is.
func (m *masker) address(a netip.Addr, written string) string {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback(), a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return written
	case a.Is4() && a.IsLinkLocalUnicast():
		return written
	case a.Is4():
		return m.word(string(publicip.KindOf(a)), a.String())
	case a.IsLinkLocalUnicast():
		return m.word("link-local", a.String())
	case a.IsPrivate():
		return m.word("private", a.String())
	}
	return m.word("public", a.String())
}

// ipv4At reads an IPv4 address at the start of s, also one with leading zeros.
func ipv4At(s string) (a netip.Addr, n int) {
	var b [4]byte
	for k := range b {
		if k > 0 {
			if n >= len(s) || s[n] != '.' {
				return a, 0
			}
			n++
		}
		v, begin := 0, n
		for n < len(s) && n < begin+3 && isDigit(s[n]) {
			v = v*10 + int(s[n]-'0')
			n++
		}
		if n == begin || v > 255 {
			return a, 0
		}
		b[k] = byte(v)
	}
	if n < len(s) && isDigit(s[n]) {
		return a, 0
	}
	return netip.AddrFrom4(b), n
}

// ipv6At reads the longest IPv6 address at the start of s.
func ipv6At(s string) (a netip.Addr, n int) {
	const longest = 45 // with an IPv4 address at its end
	for n < len(s) && n < longest && (isHex(s[n]) || s[n] == ':' || s[n] == '.') {
		n++
	}
	if strings.Count(s[:n], ":") < 2 || n < len(s) && isWord(s[n]) && n < longest {
		return a, 0
	}
	for ; n > 2; n-- {
		if a, err := netip.ParseAddr(s[:n]); err == nil && a.Is6() {
			return a, n
		}
	}
	return a, 0
}

// macAt is the length of a hardware address at the start of s.
func macAt(s string) int {
	const size = 17
	if len(s) < size || len(s) > size && (isHex(s[size]) || s[size] == s[2]) {
		return 0
	}
	for i := range size {
		if i%3 == 2 && (s[i] != s[2] || s[2] != ':' && s[2] != '-') || i%3 != 2 && !isHex(s[i]) {
			return 0
		}
	}
	return size
}

// uuidAt is the length of a UUID at the start of s: those of UPnP devices hold their hardware address.
func uuidAt(s string) int {
	const size = 36
	if len(s) < size {
		return 0
	}
	for i := range size {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash && s[i] != '-' || !dash && !isHex(s[i]) {
			return 0
		}
	}
	return size
}

// userAt is the length of the name of a user's folder at s[i:].
func userAt(s string, i int) int {
	const longest = 64
	windows := strings.HasSuffix(s[:i], `\Users\`) || strings.HasSuffix(s[:i], `\\Users\\`) // logs write \ as \\
	if !windows && !strings.HasSuffix(s[:i], "/home/") && !strings.HasSuffix(s[:i], "/Users/") {
		return 0
	}
	rest := s[i:min(len(s), i+longest)]
	rest, _, _ = strings.Cut(rest, "\n")
	if end := strings.IndexByte(rest, '\\'); windows && end > 0 {
		return end // it may have spaces
	}
	if end := strings.IndexAny(rest, "/\\\"' \t,;:)"); end >= 0 {
		return end
	}
	return len(rest)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
func isWord(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}
