package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// systemd itself judges the unit: no mistake in it, and an exposure of 1.6 at most.
func TestUnitPassesSystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is not installed: CI leaves nothing out")
		}
		t.Skip("LEFT OUT: systemd-analyze is not installed, so nobody judges the unit")
	}
	unit, err := filepath.Abs("portsitter.service")
	if err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(t.TempDir(), "portsitter.service") // as install writes it
	if err := os.WriteFile(written, []byte(unitFor("/bin/true", true)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", written).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=16", unit).CombinedOutput()
	exposure := regexp.MustCompile(`exposure level for portsitter.service: ([0-9.]+)`).FindSubmatch(out)
	if exposure == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	if level, err := strconv.ParseFloat(string(exposure[1]), 64); err != nil || level > 1.6 {
		t.Errorf("exposure %s, want 1.6 at most\n%s", exposure[1], out)
	}
}
