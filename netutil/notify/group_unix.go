//go:build unix

package notify

import (
	"os/exec"
	"syscall"
)

// startGroup starts cmd in a process group of its own: when its context ends, so does what it has
// started. end has to be called after cmd.Wait.
func startGroup(cmd *exec.Cmd) (end func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The group's number is that of its first process.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return func() {}, cmd.Start()
}
