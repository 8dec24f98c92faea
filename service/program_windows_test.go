package service

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestHoldStill is the program that runs in the test below: until its standard input ends.
func TestHoldStill(t *testing.T) {
	if os.Getenv("PORTSITTER_HOLD_STILL") != "" {
		os.Stdout.WriteString("here\n")
		io.Copy(io.Discard, os.Stdin)
	}
}

// A program that runs can be replaced and removed, and what is installed in its place afterwards is
// not what Windows removes at its next start.
func TestProgramThatRuns(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "Portsitter")
	path, newer := filepath.Join(folder, "portsitter.exe"), filepath.Join(folder, "newer")
	own, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(own))
	child := exec.Command(path, "-test.run=^TestHoldStill$")
	child.Env = append(os.Environ(), "PORTSITTER_HOLD_STILL=yes")
	hold, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer hold.Close()
	if _, err := said.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}

	aside, err := removeProgram(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("%s is still there", folder)
	}
	if _, err := os.Stat(aside); aside == "" || err != nil {
		t.Errorf("it was not moved: %q, %v", aside, err)
	}
	write(t, path, "there again")
	if err := replaceProgram(aside, path); err != nil { // and it still runs
		t.Fatal(err)
	}
	write(t, newer, "newer")
	if err := replaceProgram(newer, path); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "newer" {
		t.Errorf("got %d bytes, want the newer one", len(got))
	}
}
