package service

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portsitter/portsitter/configs"
)

// A webhook's address in a file for everybody is told, with the way out that works for whose file it is.
func TestOpenSecret(t *testing.T) {
	work := t.TempDir()
	h := testHome(work)
	h.secrets = filepath.Join(filepath.Dir(h.settings), "secrets")
	a := &app{homeOf: func() (home, error) { return h, nil }}
	own, secret := filepath.Join(work, "own", settingsName), filepath.Join(h.secrets, "discord")
	for _, path := range []string{h.settings, own, secret} {
		write(t, path, "")
	}
	mode := func(path string, file, folder fs.FileMode) {
		if err := os.Chmod(path, file); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Dir(path), folder); err != nil {
			t.Fatal(err)
		}
	}
	mode(h.settings, 0o644, 0o755)
	mode(own, 0o644, 0o700)
	mode(secret, 0o644, 0o700)
	settings := func(w configs.Webhook) (s configs.Settings) {
		s.Notify.Webhooks = []configs.Webhook{w}
		return s
	}
	for name, c := range map[string]struct {
		path string
		hook configs.Webhook
		want string
	}{
		"in the service's settings":       {h.settings, configs.Webhook{URL: "https://a/b"}, "into url_file"},
		"in a file that all can read":     {h.settings, configs.Webhook{URLFile: h.settings}, "into url_file"},
		"in a file for the service alone": {h.settings, configs.Webhook{URLFile: secret}, ""},
		"in the environment":              {h.settings, configs.Webhook{URLEnv: "HOOK"}, ""},
		"in a person's own folder":        {own, configs.Webhook{URL: "https://a/b"}, ""},
		"nowhere":                         {"", configs.Webhook{URL: "https://a/b"}, ""},
	} {
		got := a.openSecret(settings(c.hook), c.path)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
