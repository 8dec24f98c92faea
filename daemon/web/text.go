package web

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"

	h "github.com/portsitter/portsitter/daemon/web/markup"
)

const (
	maxText   = 300  // characters of one line
	maxDetail = 4000 // characters of a detail, which may have several lines
)

// text makes foreign text fit for a page: one line of printable characters. Control characters and
// those that turn the reading direction are dropped, so that a router cannot dress up its name.
func text(s string) string { return clean(strings.Join(strings.Fields(s), " "), maxText) }

// detail is text that keeps its line breaks.
func detail(s string) string { return clean(strings.ReplaceAll(s, "\t", " "), maxDetail) }

func clean(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			continue
		}
		if n == limit {
			return b.String() + "…"
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

const (
	hiddenIPv4 = "••.••.••.••"
	hiddenIPv6 = "••••:••••"
)

// mask replaces every address in s that leads to this home from outside. Addresses of the home
// itself tell nobody where it is, and stay.
func mask(s string) string {
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, partOfAddress)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
		n = strings.IndexFunc(s, func(r rune) bool { return !partOfAddress(r) })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(maskToken(s[:n]))
		s = s[n:]
	}
	return b.String()
}

func partOfAddress(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F' || r == '.' || r == ':'
}

// maskToken masks a run of address characters if it is an address, also with a port or at the end
// of a sentence.
func maskToken(s string) string {
	bare := strings.TrimRight(s, ".:")
	rest := s[len(bare):]
	if a, err := netip.ParseAddr(bare); err == nil {
		return maskAddr(a, bare) + rest
	}
	if ap, err := netip.ParseAddrPort(bare); err == nil {
		host, port, _ := strings.Cut(bare, ":")
		return maskAddr(ap.Addr(), host) + ":" + port + rest
	}
	return s
}

func maskAddr(a netip.Addr, written string) string {
	a = a.Unmap()
	switch carrier := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10); {
	case !a.IsGlobalUnicast(), a.IsPrivate(), carrier.Contains(a):
		return written
	case a.Is4():
		return hiddenIPv4
	}
	return hiddenIPv6
}

// moment is a point in time as the page shows it: relative, with the exact time behind it.
type moment struct {
	ISO   string // for machines, UTC
	Exact string // for people, in this PC's time zone
	Words string // "3 min ago", "in 12 s"
}

// momentOf is nil for a time that is not known. The script renews Words by the same rule.
func momentOf(t, now time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	m := &moment{ISO: t.UTC().Format(time.RFC3339), Exact: t.In(now.Location()).Format("Mon 2 Jan 2006, 15:04:05 MST")}
	switch d := t.Sub(now).Round(time.Second); {
	case d >= 2*time.Second:
		m.Words = "in " + span(d)
	case d > -2*time.Second:
		m.Words = "now"
	default:
		m.Words = span(-d) + " ago"
	}
	return m
}

// node is the moment on the page; nothing for one that is not known.
func (m *moment) node() h.Node {
	if m == nil {
		return nil
	}
	return h.E("time", h.A("datetime", m.ISO), h.A("title", m.Exact), h.Text(m.Words))
}

// span is a length of time in its largest sensible unit, rounded down.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// long is a length of time in its two largest units: 3 h 5 min.
func long(d time.Duration) string {
	d = d.Round(time.Second)
	small := time.Duration(0)
	switch {
	case d < time.Minute:
	case d < time.Hour:
		small = d % time.Minute
	case d < 48*time.Hour:
		small = d % time.Hour / time.Minute * time.Minute
	default:
		small = d % (24 * time.Hour) / time.Hour * time.Hour
	}
	if small == 0 {
		return span(d)
	}
	return span(d-small) + " " + span(small)
}
