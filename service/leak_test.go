package service

import (
	"testing"

	"go.uber.org/goleak"
)

// noGoroutinesLeft fails the test that leaves goroutines behind. lumberjack's, which each log file has
// one of, stays for good and does nothing once its file is closed.
func noGoroutinesLeft(t *testing.T) {
	t.Helper()
	goleak.VerifyNone(t, goleak.IgnoreAnyFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"))
}
