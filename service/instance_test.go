package service

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAcquire(t *testing.T) {
	dir := t.TempDir()
	me := Holder{PID: 4242, Page: "http://127.0.0.1:27880"}
	release, err := acquire(dir, me)
	if err != nil {
		t.Fatal(err)
	}
	_, err = acquire(dir, Holder{PID: 4243})
	held, ok := errors.AsType[*HeldError](err)
	if !ok {
		t.Fatalf("the second one gets %v, want a *HeldError", err)
	}
	if held.Holder != me || held.Dir != dir {
		t.Errorf("got %+v", held)
	}
	release()
	if _, err := os.Stat(filepath.Join(dir, holderName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the pid file stays behind: %v", err)
	}
	release, err = acquire(dir, me)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release()
}

// A process that died leaves its pid file, but not its lock.
func TestAcquireAfterCrash(t *testing.T) {
	dir := t.TempDir()
	if err := writeHolder(filepath.Join(dir, holderName), Holder{PID: 1}); err != nil {
		t.Fatal(err)
	}
	release, err := acquire(dir, Holder{PID: 4242})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got := readHolder(dir); got.PID != 4242 {
		t.Errorf("the pid file still names %+v", got)
	}
}

func TestAcquireWithoutFolder(t *testing.T) {
	_, err := acquire(filepath.Join(t.TempDir(), "nowhere"), Holder{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "--state DIR") {
		t.Errorf("got %v", err)
	}
}

func TestHeldErrorSaysWhatIsKnown(t *testing.T) {
	for want, h := range map[string]Holder{
		"another Portsitter already keeps this state folder: /s; stop it, or use --state DIR":                                  {},
		"another Portsitter (pid 7) already keeps this state folder: /s; stop it, or use --state DIR":                          {PID: 7},
		"another Portsitter (pid 7, page http://127.0.0.1:1) already keeps this state folder: /s; stop it, or use --state DIR": {PID: 7, Page: "http://127.0.0.1:1"},
	} {
		if got := (&HeldError{Dir: "/s", Holder: h}).Error(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestReadHolder(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want Holder
	}{
		"right":       {`{"pid":7,"page":"http://127.0.0.1:1"}`, Holder{7, "http://127.0.0.1:1"}},
		"later one":   {`{"pid":7,"more":true}`, Holder{PID: 7}},
		"empty":       {``, Holder{}},
		"torn":        {`{"pid":7,"pa`, Holder{}},
		"wrong type":  {`{"pid":"7"}`, Holder{}},
		"not JSON":    {"4242\n", Holder{}},
		"without end": {`{"page":"` + strings.Repeat("a", 1<<20) + `"}`, Holder{}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, holderName), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := readHolder(dir); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
