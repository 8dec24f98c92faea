//go:build lab && linux

package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/portsitter/portsitter/daemon"
)

// The disk makes trouble, and the port is opened and kept open all the same; the page says what is
// wrong, and it ends when the trouble does.
func TestDisk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		says  string
	}{
		{"full", fill, "no space left on device"},
		{"read-only", func(t *testing.T, dir string) {
			// Portsitter was here before the disk was made read-only: its lock is there.
			write(t, filepath.Join(dir, "portsitter.lock"), "")
			if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		}, "read-only file system"},
		{"damaged", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "state.json"), "\x00\x00{\"version\":1,")
			write(t, filepath.Join(dir, "history.jsonl"), "\x00\xff\n{\"at\":\"nonsense\"}\n{\"at\":")
		}, "has been set aside"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			dir := smallDisk(t)
			tt.spoil(t, dir)
			s := h.startIn(dir, "")
			s.awaitGrant(5 * time.Second)
			s.await(10*time.Second, "ready, and a notice that says "+tt.says, func(st *daemon.Status, p *daemon.Port) bool {
				return p.Verdict == daemon.Ready && strings.Contains(strings.Join(st.Notices, "\n"), tt.says)
			})
			h.reachable(at(outer, kaillera))
			s.stop()
			if rules := h.rules(); len(rules) != 0 {
				t.Errorf("left behind in the router: %v", rules)
			}
		})
	}
}

// smallDisk is a disk of 64 KB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no byte free.
func fill(t *testing.T, dir string) {
	t.Helper()
	write(t, filepath.Join(dir, "portsitter.lock"), "")
	f, err := os.Create(filepath.Join(dir, "photos"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
