//go:build unix

package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portsitter/portsitter/configs"
)

func TestOpenSecretOfAPerson(t *testing.T) {
	path := filepath.Join(t.TempDir(), "open", settingsName)
	write(t, path, "")
	a := &app{homeOf: func() (home, error) { return testHome("/nowhere"), nil }}
	s := configs.Settings{Notify: configs.Notify{Webhooks: []configs.Webhook{{URL: "https://a/b"}}}}
	for mode, want := range map[os.FileMode]string{0o644: "chmod 600 ", 0o640: "", 0o600: ""} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got := a.openSecret(s, path); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("mode %o: got %q, want %q", mode, got, want)
		}
	}
}
