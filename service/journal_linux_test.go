package service

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The lines carry their level only where the journal reads them: not in a file that a person has
// sent the output to.
func TestToJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stream")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	for stream, want := range map[string]bool{
		fmt.Sprintf("%d:%d", stat.Dev, stat.Ino):   true,
		fmt.Sprintf("%d:%d", stat.Dev, stat.Ino+1): false,
		"": false,
	} {
		t.Setenv("JOURNAL_STREAM", stream)
		if got := toJournal(f); got != want {
			t.Errorf("%q: %v, want %v", stream, got, want)
		}
		newLogger(f, "info").Info("mapped")
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "<6>level=INFO msg=mapped\n") != 1 || strings.Count(string(text), "msg=mapped") != 3 {
		t.Errorf("got\n%s%v", text, err)
	}
}
