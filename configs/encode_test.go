package configs

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// full is what testdata/full.toml says: every field differs from its default.
func full() Settings {
	return Settings{
		Ports: []Port{
			{Name: `Bob's "game"`, Port: 27890, ExternalPort: 27891, Transport: "tcp", Game: "any"},
			{Name: "Zweites Spiel ✓", Port: 27890, ExternalPort: 27890, Transport: "udp", Game: "any"},
		},
		Network: Network{Interface: "Wi-Fi 2", Gateway: netip.MustParseAddr("192.168.77.1"), PublicProfile: true},
		Router:  Router{Protocols: []string{"upnp", "pcp"}, Lease: 90 * time.Minute, ReadBack: 45 * time.Second, Upstream: true},
		PublicIP: PublicIP{
			STUNEvery: 5 * time.Minute, HTTPEvery: 36*time.Hour + time.Second,
			HTTP: []string{"http://ip.example:8080/me?q=1", "https://[2001:db8::1]/"}, STUN: []string{"192.0.2.1:3478"},
		},
		Checker: Checker{URLs: []string{"https://check.example/"}, Via: "ask Bob (UTC+1)"},
		Page: Page{
			Listen:   []netip.AddrPort{netip.MustParseAddrPort("[::1]:80"), netip.MustParseAddrPort("0.0.0.0:8080")},
			Hosts:    []string{"gamepc.local", "192.168.1.20"},
			Password: "$pbkdf2-sha256$i=600000$c2FsdC5zYWx0LnNhbHQ$aGFzaC5oYXNoLmhhc2guaGFzaC5oYXNoLmhhc2gua2k",
		},
		Notify: Notify{
			Command:  []string{`C:\Program Files\tell.exe`, "", "-v", "-v"},
			Webhooks: []Webhook{{URL: "https://discord.com/api/webhooks/1/SECRET", Kind: "discord"}, {URLFile: "/run/hook", Kind: "gotify"}, {URLEnv: "HOOK", Kind: "ntfy"}},
		},
		Log:    Log{Level: "warn", File: `C:\temp\portsitter.log`},
		Source: "testdata/full.toml",
	}
}

func TestFull(t *testing.T) {
	got, err := Load("testdata/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	if want := full(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	for _, want := range []Settings{Default(), full()} {
		got, err := Parse(want.Source, want.encode(false))
		if err != nil {
			t.Errorf("%v in\n%s", err, want.encode(false))
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	// Nothing is secret in the defaults, so that what everybody sees is the whole of them.
	if got, err := Parse("", Default().Encode()); err != nil || !reflect.DeepEqual(got, Default()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEncodeMasksSecrets(t *testing.T) {
	s := full()
	got := string(s.Encode())
	for _, secret := range []string{"SECRET", "discord.com", "pbkdf2", "aGFzaA"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q can be read in\n%s", secret, got)
		}
	}
	want := strings.NewReplacer(quote(s.Page.Password), `"(set)"`, quote(s.Notify.Webhooks[0].URL), `"(set)"`, `"HOOK"`, `"(set)"`).Replace(string(s.encode(false)))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An error must not tell a secret either: it ends up in logs and in pasted support texts.
func TestErrorsKeepSecrets(t *testing.T) {
	const secret = "hunter2"
	for _, text := range []string{
		"[page]\npassword = \"hunter2\"",
		"[page]\npassword = hunter2",
		"[page]\npassword = \"hunter2\\q\"",
		"[page]\npassword = [\"hunter2\"]",
		"page = [{password = \"hunter2\"}]",
		"[[notify.webhook]]\nurl = \"hunter2\"",
		"[[notify.webhook]]\nurl_env = \"https://example.com/hunter2\"",
		"[[notify.webhook]]\nurl = 'https://example.com/hunter2 '",
		"[[notify.webhook]]\nurl = hunter2",
		"notify.webhook = [[\"hunter2\"]]",
		"[public_ip]\nhttp = [\"https://me:hunter2@example.com/\"]",
	} {
		_, err := Parse("x.toml", []byte(text))
		if err == nil {
			t.Errorf("accepted:\n%s", text)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 90 * time.Minute: "1h30m", time.Minute: "1m", 90 * time.Second: "1m30s",
		10 * time.Second: "10s", time.Hour + time.Second: "1h0m1s", 20 * time.Minute: "20m", 10 * time.Hour: "10h",
	} {
		if got := short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	text := "a\"b\\c\td\ne\x00f\x7f\u202e✓"
	want := `"a\"b\\c\td\ne\u0000f\u007F` + "\u202e✓\""
	if got := quote(text); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
