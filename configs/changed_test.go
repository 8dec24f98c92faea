package configs

import (
	"os"
	"strings"
	"testing"
)

func TestChanged(t *testing.T) {
	if got := Default().Changed(); len(got) != 0 {
		t.Errorf("of the defaults: %s", got)
	}
	s, err := Parse("x", []byte("[router]\nupstream = true\nlease = \"1h\"\n[checker]\nvia = \"Bob\"\n[notify]\ncommand = [\"tell\", \"--token=SECRET\"]\n"+
		"[[notify.webhook]]\nurl = \"https://SECRET.example/x\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "[router]\nupstream = true\n\n[checker]\nvia = \"(set)\"\n\n[notify]\ncommand = \"(set)\"\n\n[[notify.webhook]]\nurl = \"(set)\"\n"
	if got := string(s.Changed()); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestChangedHasNoSecrets: every key is set in full.toml.
func TestChangedHasNoSecrets(t *testing.T) {
	text, err := os.ReadFile("testdata/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse("full.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	got := string(s.Changed())
	for _, secret := range []string{s.Page.Password, s.Checker.Via, s.Notify.Command[0], "pbkdf2"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
	for _, w := range s.Notify.Webhooks {
		if w.URL != "" && strings.Contains(got, w.URL) {
			t.Errorf("%q is shown", w.URL)
		}
	}
	for _, table := range []string{"[[port]]", "[network]", "[router]", "[page]", "[log]"} {
		if !strings.Contains(got, table) {
			t.Errorf("%s is missing:\n%s", table, got)
		}
	}
}
