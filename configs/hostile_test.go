package configs

import (
	"strings"
	"testing"
	"time"
)

func TestInvalidBytes(t *testing.T) {
	const notUTF8 = "the file is not plain UTF-8 text: save it again as UTF-8 (in Notepad: Save as, Encoding)"
	for name, tc := range map[string]struct{ text, want string }{
		"latin 1":        {"[network]\n\ninterface = \"\xe9\"\n", "x line 3: " + notUTF8},
		"UTF-16":         {"\xff\xfe[\x00l\x00o\x00g\x00]\x00", "x: " + notUTF8},
		"UTF-16 BE":      {"\xfe\xff\x00[\x00l\x00o\x00g\x00]", "x: " + notUTF8},
		"UTF-16, no BOM": {"[\x00l\x00o\x00g\x00]\x00", "x: " + notUTF8},
		"BOM and CRLF":   {"\xef\xbb\xbf# x\r\n[router]\r\nlaese = \"1h\"\r\n", `x line 3: unknown key "laese" in [router]: did you mean "lease"?`},
		"control":        {"[router]\nlease = \"1h\a\"\n", "x line 2: cannot be read: TOML files cannot contain control characters: '0x07'"},
		"lone CR":        {"[router]\rlease = \"1h\"\n", "x line 1: cannot be read: TOML files cannot contain control characters: '0x0d'"},
		"too many keys":  {strings.Repeat("k = 1\n", maxEntries+1), "x line 4097: more than 4096 keys: no setting needs that"},
		"too long":       {strings.Repeat("\n", MaxSize+1), "x: the file is longer than 256 KiB: a settings file is a few lines of text"},
	} {
		_, err := Parse("x", []byte(tc.text))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, tc.want)
		}
	}
}

// Files of the greatest allowed length that are made to hurt. Handed to the TOML library as they
// are, the deep ones overflow the stack of a 32-bit process, which nothing can recover from, and
// the ones with long keys allocate gigabytes.
func TestHostileFilesAreRefusedQuickly(t *testing.T) {
	fill := func(unit string) string { return strings.Repeat(unit, MaxSize/len(unit)) }
	for name, text := range map[string]string{
		"brackets":               fill("["),
		"brackets in a value":    "x = " + fill("[")[4:],
		"braces in a value":      "x = " + fill("{a=")[4:],
		"brackets and braces":    "x = " + fill("[{a=")[4:],
		"brackets and strings":   "x = " + fill(`["]",`)[4:],
		"brackets and comments":  "x = " + fill("[#]\n")[4:],
		"dots":                   fill("a."),
		"dots in a header":       "[" + fill("a.")[1:],
		"quoted dots":            fill(`"".`),
		"long key":               fill("a"),
		"long header, many keys": "[" + strings.Repeat("a", MaxSize/2) + "]\n" + strings.Repeat("a=1\n", MaxSize/8),
		"many keys":              fill("a=1\n"),
		"many headers":           fill("[a]\n"),
		"many array headers":     fill("[[a]]\n"),
		"many ports":             fill("[[port]]\n"),
		"many inline ports":      "port = [" + fill("{},")[8:],
		"long list":              "[router]\nprotocols = [" + fill(`"",`)[40:] + "]",
		"many numbers":           "x = [" + fill("1,")[8:] + "]",
		"open string":            `x = "` + fill("a")[5:],
		"open multi-line":        `x = """` + fill("a\n")[7:],
		"quotes":                 "x = " + fill(`"`)[4:],
		"backslashes":            `x = """` + fill("\\\n")[7:],
		"comments":               fill("#\n") + "x",
		"long name":              "[[port]]\nname = \"" + fill("a")[30:] + `"`,
	} {
		start := time.Now()
		if _, err := Parse("x", []byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestPanicOfTheLibraryIsAnError(t *testing.T) {
	err := caught(func() error { panic("BUG: unexpected") })
	if e := syntaxError(err, 3).in("x"); e.Error() != "x line 3: cannot be read: this is not TOML" {
		t.Error(e)
	}
}
