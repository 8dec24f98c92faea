package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEndIsNotedOnce: a service that cannot start is started every 5 s.
func TestEndIsNotedOnce(t *testing.T) {
	logs := t.TempDir()
	a := &app{homeOf: func() (home, error) { return home{logs: logs}, nil }}
	for _, reason := range []string{"one", "one", "two", "one", "two"} {
		a.noteEnd(errors.New(reason))
	}
	files, err := filepath.Glob(filepath.Join(logs, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("log files %q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), endWords); n != 2 {
		t.Errorf("%d ends noted, want 2:\n%s", n, text)
	}
}
