package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every testdata/invalid-<what>.toml is one mistake; its first line says what the reader answers.
func TestInvalidFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-*.toml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(strings.TrimPrefix(name, "invalid-"), ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(strings.TrimPrefix(string(data), "\ufeff"), "\n")
			want := strings.TrimSuffix(strings.TrimPrefix(first, "# "), "\r")
			_, err = Parse(name, data)
			if err == nil {
				t.Fatalf("accepted; want %s", want)
			}
			if got := strings.TrimPrefix(err.Error(), name+" "); got != want {
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
			if e := (*Error)(nil); !errors.As(err, &e) {
				t.Errorf("%T is no *Error", err)
			}
		})
	}
}
