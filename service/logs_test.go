package service

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLastLines(t *testing.T) {
	long := strings.Repeat("0123456789abcde\n", longestTail/16+10)
	for name, c := range map[string]struct {
		text string
		n    int
		want []string
	}{
		"fewer than asked for": {"a\nb\n", 5, []string{"a", "b"}},
		"as many":              {"a\nb\nc\n", 2, []string{"b", "c"}},
		"none asked for":       {"a\nb\n", 0, nil},
		"empty":                {"", 5, nil},
		"the last one is cut":  {"a\nb", 1, []string{"b"}},
		"of a long file":       {"first\n" + long, 1, []string{"0123456789abcde"}},
	} {
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, c.text)
		got, size, err := lastLines(path, c.n)
		if err != nil || len(got) != len(c.want) || !slices.Equal(got, c.want) && len(got) > 0 || size != int64(len(c.text)) {
			t.Errorf("%s: got %q, %d, %v", name, got, size, err)
		}
	}
}

// Whole lines only, each once, also when the file is a new one; and no escape sequence.
func TestCopyNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var out bytes.Buffer
	seen := int64(0)
	look := func() string {
		t.Helper()
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out.Reset()
		if seen, err = copyNew(f, seen, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for i, step := range []struct{ file, want string }{
		{"one\ntw", "one\n"},
		{"one\ntwo\n", "two\n"},
		{"one\ntwo\n", ""},
		{"\x1b[2Jx\n", "[2Jx\n"},
	} {
		write(t, path, step.file)
		if got := look(); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
	}
}

// fillLog writes 5 MB into the log file that it is given. It is a program of its own for the scripts:
// lumberjack leaves a goroutine behind, which other tests look for.
func fillLog() {
	f, err := openLogFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	line := []byte(strings.Repeat("x", 1023) + "\n")
	for range 5 << 10 {
		if _, err := f.Write(line); err != nil {
			panic(err)
		}
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
	files, err := filepath.Glob(strings.TrimSuffix(os.Args[1], ".log") + "*.log")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			panic(err)
		}
		fmt.Println(filepath.Base(file), info.Size() <= 2<<20)
	}
}
