//go:build lab && linux

// Package lab proves the built program against a real router: miniupnpd between network
// namespaces, made by lab.sh, with packets that really come from the other side.
//
//	go test -tags lab ./scripts/lab/
//
// It needs root. LAB_PREFIX is the first part of the namespaces' names (default: lab);
// LAB_PORTSITTER is a built program to test instead of one built from this tree.
package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// built is what TestMain made: the programs under test, and nothing that a test changes.
var built struct{ dir, portsitter, labtool, prefix string }

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "the lab makes network namespaces: run it as root")
		return 1
	}
	built.prefix = "lab"
	if p := os.Getenv("LAB_PREFIX"); p != "" {
		built.prefix = p
	}
	unlock, err := lock(filepath.Join(os.TempDir(), "portsitter-"+built.prefix+".lock"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "another run of these tests has the namespaces (set LAB_PREFIX):", err)
		return 1
	}
	defer unlock()
	dir, err := os.MkdirTemp("", "portsitter-lab-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// lock keeps a second run out: both would make namespaces of the same names.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// build makes the programs as they are released: what is proven is what people run.
func build(dir string) error {
	built.dir = dir
	built.labtool = filepath.Join(dir, "labtool")
	built.portsitter = filepath.Join(dir, "portsitter")
	want := map[string]string{built.labtool: "./labtool", built.portsitter: "../.."}
	if p := os.Getenv("LAB_PORTSITTER"); p != "" {
		delete(want, built.portsitter)
		built.portsitter = p
	}
	for out, pkg := range want {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd, err, text)
		}
	}
	return nil
}
