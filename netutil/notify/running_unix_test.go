//go:build unix

package notify

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// running reports whether a process is there that has not ended; whoever inherits it may not have
// collected it yet.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
