package portmap

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUTF8Text(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":                    {"<a/>", "<a/>"},
		"declaration is cut off":   {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a/>", "\n<a/>"},
		"space before declaration": {"\r\n <?xml version=\"1.0\"?><a/>", "<a/>"},
		"byte order mark":          {"\xef\xbb\xbf<?xml version=\"1.0\"?><a/>", "<a/>"},
		"declaration without end":  {"<?xml version", "<?xml version"},
		"UTF-8 whatever it says":   {"<?xml encoding=\"ISO-8859-1\"?>é", "é"},
		"Latin-1 whatever it says": {"<?xml encoding=\"utf-8\"?>T\xe9l\xe9", "Télé"},
		"Windows-1252":             {"\x80 \x93a\x94 \xff", "€ “a” ÿ"},
		"NUL at the end":           {"<a/>\x00\x00", "<a/>  "},
		"letters XML forbids":      {"a\x01b\uffffc\td", "a b c\td"},
		"empty":                    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(utf8Text([]byte(c.in))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCheckXML(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"plain":        {"<a><b/></a>", nil},
		"just deep":    {strings.Repeat("<a>", maxXMLDepth), nil},
		"too deep":     {strings.Repeat("<a>", maxXMLDepth+1), errXMLDepth},
		"wide is fine": {"<a>" + strings.Repeat("<b></b>", 10*maxXMLDepth) + "</a>", nil},
		"document type": {`<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>`,
			errXMLDoctype},
		"no element": {"  ", errXMLEmpty},
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkXML([]byte(c.in)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestCleanText(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		limit    int
	}{
		"plain":               {"FRITZ!Box 7590", "FRITZ!Box 7590", 80},
		"control and spaces":  {" a\x1b[31m\r\n\tb\x00 ", "a [31m b", 80},
		"right-to-left trick": {"a\u202eb", "a b", 80},
		"not UTF-8":           {"a\xffb", "a b", 80},
		"bounded in letters":  {"ééééé", "ééé", 3},
		"no space at the end": {"ab cd", "ab", 3},
		"empty":               {"", "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cleanText(c.in, c.limit); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFirstWords(t *testing.T) {
	for in, want := range map[string]string{
		"<html><head><title>500 Internal Server Error</title></head>\n<body>\n<h1>Oops</h1>": "500 Internal Server Error Oops",
		"busy":                     "busy",
		"":                         "",
		strings.Repeat("a", 10000): strings.Repeat("a", maxWords),
	} {
		if got := firstWords([]byte(in)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("<?xml version=\"1.0\"?><a>\xe9</a>"))
	f.Add([]byte("<<>>&\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := utf8Text(raw)
		if !utf8.Valid(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		checkXML(text)
		words := firstWords(text)
		if n := utf8.RuneCountInString(words); n > maxWords || strings.ContainsAny(words, "\n\x00\x1b") {
			t.Errorf("%d letters: %q", n, words)
		}
	})
}
