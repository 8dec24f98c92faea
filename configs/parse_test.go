package configs

import (
	"slices"
	"testing"
)

// What a user's [[port]] entries become when keys are left out.
func TestPorts(t *testing.T) {
	kaillera := Port{Name: "Kaillera P2P", Port: 27886, ExternalPort: 27886, Transport: "udp", Game: "kaillera"}
	for name, tc := range map[string]struct {
		text string
		want []Port
	}{
		"no entry":          {"", []Port{kaillera}},
		"empty entry":       {"[[port]]\n", []Port{kaillera}},
		"the default port":  {"[[port]]\nport = 27886", []Port{kaillera}},
		"another port":      {"[[port]]\nport = 27900", []Port{{"UDP 27900", 27900, 27900, "udp", "kaillera"}}},
		"own name":          {"[[port]]\nname = 'x'\nport = 27900", []Port{{"x", 27900, 27900, "udp", "kaillera"}}},
		"own external port": {"[[port]]\nexternal_port = 28000", []Port{{"Kaillera P2P", 27886, 28000, "udp", "kaillera"}}},
		"tcp":               {"[[port]]\ntransport = 'tcp'\ngame = 'any'", []Port{{"TCP 27886", 27886, 27886, "tcp", "any"}}},
		"two":               {"[[port]]\nport = 27900\n[[port]]\nport = 27886", []Port{{"UDP 27900", 27900, 27900, "udp", "kaillera"}, kaillera}},
		"udp and tcp of one number": {
			"[[port]]\n[[port]]\nport = 27886\ntransport = 'tcp'\ngame = 'any'",
			[]Port{kaillera, {"TCP 27886", 27886, 27886, "tcp", "any"}},
		},
		"inside out": { // 1 leads to 2 and 2 to 1: odd, and nothing is taken twice
			"[[port]]\nport = 1\nexternal_port = 2\n[[port]]\nport = 2\nexternal_port = 1",
			[]Port{{"UDP 1", 1, 2, "udp", "kaillera"}, {"UDP 2", 2, 1, "udp", "kaillera"}},
		},
		"inline":  {"port = [{port = 27900}, {port = 27886}]", []Port{{"UDP 27900", 27900, 27900, "udp", "kaillera"}, kaillera}},
		"highest": {"[[port]]\nport = 65535", []Port{{"UDP 65535", 65535, 65535, "udp", "kaillera"}}},
		"lowest":  {"[[port]]\nport = 1", []Port{{"UDP 1", 1, 1, "udp", "kaillera"}}},
	} {
		got, err := Parse("x", []byte(tc.text))
		if err != nil || !slices.Equal(got.Ports, tc.want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", name, got.Ports, err, tc.want)
		}
	}
}

// All ways to write a key that TOML has.
func TestWaysToWrite(t *testing.T) {
	for _, text := range []string{
		"[log]\nlevel = \"warn\"", "log.level = 'warn'", "log = {level = \"warn\"}", "\"log\".\"level\" = \"\"\"warn\"\"\"",
		"[ log ]\n  level\t=\t'''warn''' # x", "\xef\xbb\xbf[log]\r\nlevel = \"warn\"\r\n", "[\"log\"]\n'level' = \"w\\u0061rn\"",
		"log = { # x\n level = \"warn\",\n}\n",
	} {
		got, err := Parse("x", []byte(text))
		if err != nil || got.Log.Level != "warn" {
			t.Errorf("%q: level %q, %v", text, got.Log.Level, err)
		}
	}
}

func TestBoundsAreInclusive(t *testing.T) {
	for _, text := range []string{
		"[router]\nlease = '2m'", "[router]\nlease = '24h'", "[router]\nread_back = '10s'", "[router]\nread_back = '1h'",
		"[public_ip]\nstun_every = '5m'", "[public_ip]\nstun_every = '24h'", "[public_ip]\nhttp_every = '1h'", "[public_ip]\nhttp_every = '168h'",
		"[public_ip]\nhttp = []\nstun = []", "[checker]\nurls = []", "[page]\nlisten = []",
		"[page]\nlisten = ['127.0.0.1:1', '[::1]:65535', '127.8.8.8:80', '[::ffff:127.0.0.1]:81']",
		"[[port]]\nname = '1234567890123456789012345678901234567890'", "[[port]]\nname = 'éééééééééééééééééééééééééééééééééééééééé'",
	} {
		if _, err := Parse("x", []byte(text)); err != nil {
			t.Error(err)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for _, tc := range []struct {
		word string
		want string
	}{
		{"udp", "udp"}, {"UDP", "udp"}, {"upd", "udp"}, {"ud", "udp"}, {"abc", ""}, {"tdp", "udp"}, {"leaes", "lease"},
		{"lesea", "lease"}, {"elasee", "lease"}, {"xxase", "lease"}, {"xxxse", ""}, {"", ""}, {"read-bakc", "read_back"},
	} {
		want := tc.want
		if want != "" {
			want = `did you mean "` + want + `"?`
		}
		if got := didYouMean(tc.word, []string{"lease", "udp", "tcp", "read_back"}, quote); got != want {
			t.Errorf("%q: %q, want %q", tc.word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"port", "prot", 1}, {"kitten", "sitting", 3}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("%q to %q is %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

// What a start costs: the embedded file is read once, and a small file on top of it.
func BenchmarkDefaultAndLoad(b *testing.B) {
	path := write(b, "[[port]]\nport = 27900\n\n[router]\nlease = \"2h\"\n")
	for b.Loop() {
		if _, err := parse("", embedded, Settings{}); err != nil { // as Default does the first time
			b.Fatal(err)
		}
		if _, err := Load(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	path := write(b, "[[port]]\nport = 27900\n\n[router]\nlease = \"2h\"\n")
	for b.Loop() {
		if _, err := Load(path); err != nil {
			b.Fatal(err)
		}
	}
}
