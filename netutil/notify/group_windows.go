package notify

import (
	"os/exec"

	"golang.org/x/sys/windows"
)

// startGroup starts cmd in a job object: when its context ends, so does what it has started. end
// has to be called after cmd.Wait.
func startGroup(cmd *exec.Cmd) (end func(), err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	end = func() { _ = windows.CloseHandle(job) }
	cmd.SysProcAttr = &windows.SysProcAttr{HideWindow: true}
	cmd.Cancel = func() error {
		_ = windows.TerminateJobObject(job, 1)
		return cmd.Process.Kill() // should it not be in the job
	}
	if err := cmd.Start(); err != nil {
		end()
		return nil, err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(cmd.Process.Pid))
	if err == nil { // else it has ended already
		_ = windows.AssignProcessToJobObject(job, process)
		_ = windows.CloseHandle(process)
	}
	return end, nil
}
