package service

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestStateDirIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	got, err := (&app{stateFlag: dir}).stateDir()
	if err != nil || got != dir {
		t.Fatalf("got %q, %v", got, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o700 {
		t.Errorf("mode %o, want 700", mode)
	}
	if _, err := (&app{stateFlag: dir}).stateDir(); err != nil {
		t.Errorf("when it is there already: %v", err)
	}
}

func TestStateDirIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := (&app{stateFlag: file}).stateDir(); err == nil {
		t.Errorf("got %q", got)
	}
}

func TestSettingsInUse(t *testing.T) {
	dir := t.TempDir()
	p := paths{settings: filepath.Join(dir, "own.toml"), shared: filepath.Join(dir, "shared.toml")}
	if got := p.inUse(); got != "" {
		t.Errorf("without any file: %q", got)
	}
	for _, file := range []string{p.shared, p.settings} { // one's own goes before that of the machine
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := p.inUse(); got != file {
			t.Errorf("got %q, want %q", got, file)
		}
	}
}

// Whatever is lost on the way, half a settings file must not stay: the next start would read it.
func TestWriteNew(t *testing.T) {
	for forAll, want := range map[bool]struct{ dir, file fs.FileMode }{
		false: {0o700, 0o600}, // it can hold webhook addresses
		true:  {0o755, 0o644}, // the service's own user reads it
	} {
		path := filepath.Join(t.TempDir(), "folder", settingsName)
		if err := writeNew(path, []byte("one"), forAll); err != nil {
			t.Fatal(err)
		}
		if err := writeNew(path, []byte("two"), forAll); !errors.Is(err, fs.ErrExist) {
			t.Errorf("the second time: %v", err)
		}
		text, err := os.ReadFile(path)
		if err != nil || string(text) != "one" {
			t.Errorf("got %q, %v", text, err)
		}
		for path, want := range map[string]fs.FileMode{path: want.file, filepath.Dir(path): want.dir} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != want {
				t.Errorf("%s: mode %o, want %o", path, mode, want)
			}
		}
	}
}

// The settings that were good last are had again when the file has become wrong, and are not those of
// a file that is not there any more.
func TestLastGood(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, settingsName)
	for _, c := range []struct {
		text string
		port uint16 // 0: none are remembered
	}{
		{"[[port]]\nport = 27000\n", 27000},
		{"[[port]]\npart = 28000\n", 27000},
		{"[[port]]\nport = 29000\n", 29000},
	} {
		write(t, path, c.text)
		keepLastGood(dir, path)
		s, err := lastGood(dir)
		if err != nil || len(s.Ports) != 1 || s.Ports[0].Port != c.port {
			t.Errorf("%q: got %+v, %v", c.text, s.Ports, err)
		}
	}
	keepLastGood(dir, "")
	if _, err := lastGood(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the defaults hold, and there is: %v", err)
	}
}
