package configs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "portsitter.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	path := write(t, "[log]\nlevel = \"debug\"\n")
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Log.Level, want.Source = "debug", path
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.toml")
	_, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want one that is fs.ErrNotExist", err)
	}
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %q does not name the file", err)
	}
}

func TestLoadDirectory(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory was taken for a settings file")
	}
}

func TestLoadIsBounded(t *testing.T) {
	comment := strings.Repeat("#", MaxSize)
	if _, err := Load(write(t, comment)); err != nil {
		t.Errorf("a file of exactly the limit: %v", err)
	}
	path := write(t, comment+"\n")
	_, err := Load(path)
	want := path + ": the file is longer than 256 KiB: a settings file is a few lines of text"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Of a file without end, no more is read than the limit.
func TestLoadReadsNoMoreThanTheLimit(t *testing.T) {
	path := write(t, "")
	if err := os.Truncate(path, 64<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Load(path); err == nil {
		t.Error("accepted")
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

func TestErrorIsStructured(t *testing.T) {
	_, err := Parse("my.toml", []byte("[router]\nlease = \"1s\"\n"))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error", err)
	}
	if e.File != "my.toml" || e.Line != 2 || e.Key != "router.lease" || e.Read != `lease = "1s"` || !strings.Contains(e.Allowed, `from "2m" to "24h"`) {
		t.Errorf("%+v", e)
	}
}

func TestDefaultIsACopy(t *testing.T) {
	d := Default()
	d.Ports[0].Port = 1
	d.Router.Protocols[0] = "none"
	if again := Default(); again.Ports[0].Port == 1 || again.Router.Protocols[0] == "none" {
		t.Error("a change of what Default gave changed the defaults")
	}
}
