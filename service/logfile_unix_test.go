//go:build unix

package service

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portsitter/portsitter/configs"
)

// A log file that cannot be written is an error to a person, and to the service no reason to keep the
// port shut: there it goes where the service's log goes by default.
func TestOpenLogThatCannotBeWritten(t *testing.T) {
	missing := configs.Log{Level: "info", File: filepath.Join(t.TempDir(), "missing", "x.log")}
	for whose, goesOn := range map[whose]bool{mine: false, services: true} {
		var stderr bytes.Buffer
		a := &app{stderr: &stderr, whose: whose}
		log, closeLog, err := a.openLog(missing)
		if (err == nil) != goesOn {
			t.Fatalf("whose %d: %v", whose, err)
		}
		if err != nil {
			continue
		}
		log.Info("mapped")
		if err := closeLog(); err != nil {
			t.Error(err)
		}
		if got := stderr.String(); !strings.Contains(got, "x.log") || !strings.Contains(got, "mapped") {
			t.Errorf("whose %d: the log is %q", whose, got)
		}
	}
}
