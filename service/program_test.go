package service

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestPutProgram(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "new"), filepath.Join(folder, "bin", "portsitter")
	write(t, from, "new "+modulePath)
	for name, before := range map[string]string{
		"nothing is there":      "",
		"an older one is there": "old " + modulePath,
		"it is there already":   "new " + modulePath,
	} {
		os.RemoveAll(filepath.Dir(to))
		if before != "" {
			write(t, to, before)
		}
		staged, err := stageProgram(from, to)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, _ := os.ReadFile(to); string(got) != before {
			t.Errorf("%s: not yet put in its place, and there is %q", name, got)
		}
		if err := staged.commit(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		staged.discard()
		got, err := os.ReadFile(to)
		if err != nil || string(got) != "new "+modulePath {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if info, err := os.Stat(to); err == nil && runtime.GOOS != "windows" && before != "new "+modulePath && info.Mode().Perm() != 0o755 {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(to), ".portsitter-*")); left != nil {
			t.Errorf("%s: left behind %q", name, left)
		}
	}
}

func TestPutProgramOverAnother(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "new"), filepath.Join(folder, "portsitter")
	write(t, from, "new "+modulePath)
	write(t, to, "another")
	if _, err := stageProgram(from, to); err == nil {
		t.Error("another program was written over")
	}
	if got, _ := os.ReadFile(to); string(got) != "another" {
		t.Errorf("it is now %q", got)
	}
	if _, err := stageProgram(filepath.Join(folder, "not-there"), filepath.Join(folder, "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("from nothing: %v", err)
	}
}

// The word is found wherever it stands, also across the pieces in which a file is read.
func TestMentions(t *testing.T) {
	const piece = 64 << 10
	for _, at := range []int{0, 1, piece - 1, piece - 3, piece, 2*piece - 5, 3 * piece} {
		if !mentions(strings.NewReader(strings.Repeat("x", at)+"needle"+strings.Repeat("x", 2*piece)), "needle") {
			t.Errorf("not found at %d", at)
		}
	}
	if mentions(strings.NewReader(strings.Repeat("needl", piece)), "needle") {
		t.Error("found where it is not")
	}
}

func TestSameFile(t *testing.T) {
	folder := t.TempDir()
	long := strings.Repeat("x", 200<<10)
	for name, text := range map[string]string{"a": long, "b": long, "c": long[1:] + "y", "d": "", "e": ""} {
		write(t, filepath.Join(folder, name), text)
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{{"a", "a", true}, {"a", "b", true}, {"a", "c", false}, {"a", "d", false}, {"d", "e", true}, {"a", "nothing", false}} {
		if got := sameFile(filepath.Join(folder, c.a), filepath.Join(folder, c.b)); got != c.want {
			t.Errorf("%s and %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
