package configs

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

var seeds = []string{
	"", "[[port]]\nport = 1\n[[port]]\nport = 2\n", "port = [{port = 1}, {port = 2, name = \"x\"}]\n",
	"router = {lease = \"1h\", protocols = ['upnp',]} # x\n", "[notify]\nwebhook = [{url_file = 'a'}]\n",
	"\"router\".'lease' = \"90m\"\r\n", "a = \"\"\"x\"\"\"\"\"\n", "a = '''\n'\n'''\n", "a = [[1, 2], # ]\n[3]]\n",
	"a = 2026-01-01 10:00:00\n[b.\"c d\"]\ne.f = -inf\n", "\xef\xbb\xbf[log]\nlevel = \"warn\"\n", "a = \"C:\\Users\\x\"\n",
	"[page]\nlisten = [\"[fe80::1%eth0]:80\"]\npassword = \"pbkdf2\"\n", "a = {b.c = {d = 1,\n}, }\n",
}

// Parse never panics; what it refuses it refuses with a whole sentence, and what it takes comes
// back the same when written out and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse("x", []byte(text))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Read == "" || e.Line < 0 || e.Line > strings.Count(text, "\n")+1 || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Fatalf("%#v", err)
			}
			return
		}
		again, err := Parse("x", got.encode(false))
		if err != nil {
			t.Fatalf("%v in\n%s", err, got.encode(false))
		}
		if !reflect.DeepEqual(got, again) {
			t.Fatalf("first %+v\nthen  %+v", got, again)
		}
		if _, err := toml.Decode(string(got.Encode()), new(map[string]any)); err != nil {
			t.Fatal(err)
		}
	})
}

// The scanner and the TOML library agree: where the library takes a text, the scanner has found
// the same keys in the same order, and the lines it gives hold them.
func FuzzScan(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		text, wrong := plainText(data)
		if wrong != nil || strings.HasPrefix(text, "\ufeff") { // the library would take a second one away
			return
		}
		s := scanner{text: text, line: 1, count: map[string]int{}}
		whole := s.run()
		if s.limit != "" {
			return
		}
		if s.depth != 0 && whole {
			t.Fatalf("depth %d at the end", s.depth)
		}
		md, err := toml.Decode(text, new(map[string]any))
		if err != nil || strings.Contains(text, `\""""""`) { // the library takes six quotes after a backslash, TOML does not
			return
		}
		if !whole {
			t.Fatalf("the scanner stops at %d: %q", s.pos, text[s.pos:])
		}
		sameKeys(t, text, s.entries, md.Keys())
	})
}

func sameKeys(t *testing.T, text string, entries []entry, want []toml.Key) {
	t.Helper()
	entries = slices.DeleteFunc(entries, func(e entry) bool { return strings.HasPrefix(e.raw, "{") && e.name == "" })
	if len(entries) != len(want) {
		t.Fatalf("%d entries, %d keys in %q", len(entries), len(want), text)
	}
	lines := strings.Split(text, "\n")
	for i, e := range entries {
		path := dotted(e.table, e.name)
		if e.name == "" {
			path = e.table
		}
		if strings.ContainsAny(path, `"'`) {
			continue // written as in the file, which may be another way than the library's
		}
		if path != want[i].String() {
			t.Fatalf("entry %d is %s, the library has %s", i, path, want[i])
		}
		if last := want[i][len(want[i])-1]; !strings.Contains(lines[e.line-1], last) {
			t.Fatalf("line %d is %q, and has no %s", e.line, lines[e.line-1], last)
		}
	}
}
