package portmap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxXMLDepth is far above any real description (about 10) and far below what recursion minds.
	maxXMLDepth = 32
	// maxWords bounds, in letters, what is kept of a router's own words.
	maxWords = 120
)

var (
	errXMLDepth   = fmt.Errorf("the XML is nested deeper than %d elements", maxXMLDepth)
	errXMLDoctype = errors.New("the XML has a document type, which UPnP has no use for")
	errXMLEmpty   = errors.New("the answer is empty")
)

// windows1252 gives the letters of 0x80 to 0x9f, where Windows-1252 differs from ISO-8859-1.
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

// utf8Text makes a router's document readable for encoding/xml, which insists on UTF-8. The XML
// declaration is cut off and not believed: what is valid UTF-8 is UTF-8, everything else is
// Windows-1252, of which ISO-8859-1 and ASCII are parts. Letters that XML forbids (some firmware
// sends the NUL that ends its string) become spaces.
func utf8Text(raw []byte) []byte {
	text := bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if t := bytes.TrimLeft(text, " \t\r\n"); bytes.HasPrefix(t, []byte("<?xml")) {
		if _, rest, found := bytes.Cut(t, []byte("?>")); found {
			text = rest
		}
	}
	if !utf8.Valid(text) {
		text = fromWindows1252(text)
	}
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, text)
}

func fromWindows1252(raw []byte) []byte {
	upper := []rune(windows1252)
	text := make([]byte, 0, len(raw)+len(raw)/8)
	for _, b := range raw {
		r := rune(b)
		if b >= 0x80 && b < 0xa0 {
			r = upper[b-0x80]
		}
		text = utf8.AppendRune(text, r)
	}
	return text
}

// boundedXML is the tokens of a document, with a bound on its depth and without document types.
// It is lenient where routers are sloppy: an unescaped & is just that.
type boundedXML struct {
	decoder *xml.Decoder
	depth   int
	skip    map[string]bool // elements to leave out with all that is in them
	skipped int             // depth within such an element
}

func newBoundedXML(text []byte, skip ...string) *boundedXML {
	b := &boundedXML{decoder: xml.NewDecoder(bytes.NewReader(text)), skip: make(map[string]bool)}
	b.decoder.Strict = false
	for _, name := range skip {
		b.skip[name] = true
	}
	return b
}

// Token makes boundedXML an xml.TokenReader.
func (b *boundedXML) Token() (xml.Token, error) {
	for {
		t, err := b.decoder.RawToken()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errXMLDoctype
		case xml.StartElement:
			if b.depth++; b.depth > maxXMLDepth {
				return nil, errXMLDepth
			}
			if b.skipped > 0 || b.skip[t.Name.Local] {
				b.skipped++
			}
		case xml.EndElement:
			b.depth--
			if b.skipped > 0 {
				b.skipped--
				continue
			}
		}
		if b.skipped == 0 {
			return t, nil
		}
	}
}

// checkXML reads a whole document for its bounds alone.
func checkXML(text []byte) error {
	b := newBoundedXML(text)
	elements := 0
	for {
		t, err := b.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if _, ok := t.(xml.StartElement); ok {
			elements++
		}
	}
	if elements == 0 {
		return errXMLEmpty
	}
	return nil
}

// cleanText makes a stranger's text fit to be shown: no control or invisible letters, no runs of
// spaces, at most limit letters.
func cleanText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	n := 0
	for i := range s {
		if n == limit {
			return strings.TrimSpace(s[:i])
		}
		n++
	}
	return s
}

// firstWords is the beginning of a page as a person would read it: without what is in <brackets>.
func firstWords(page []byte) string {
	var words strings.Builder
	for _, part := range strings.Split(string(page[:min(len(page), 4<<10)]), "<") {
		if _, text, found := strings.Cut(part, ">"); found {
			part = text
		}
		words.WriteString(part + " ")
	}
	return cleanText(words.String(), maxWords)
}
