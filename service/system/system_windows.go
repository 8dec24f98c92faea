package system

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// Name is what the service manager calls the service.
const Name = "Portsitter"

// userName is the account that the service runs under: it has few rights on this PC, and none on
// others. Its password is empty.
const userName = `NT AUTHORITY\LocalService`

const (
	registryKey = `SYSTEM\CurrentControlSet\Services\` + Name
	// parametersKey is the place for a service's own values; it goes with the service.
	parametersKey = registryKey + `\Parameters`
	copiedValue   = "ProgramCopied"
	madeValue     = "Definition"
)

// definition is raised when install makes the service otherwise than it did before.
const definition = 1

func installed() bool {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, registryKey, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	k.Close()
	return true
}

// openService opens the service with the rights that every user has.
func openService() (*mgr.Service, func(), error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, nil, fmt.Errorf("the service manager of Windows could not be asked: %w", err)
	}
	name, err := windows.UTF16PtrFromString(Name)
	if err != nil {
		return nil, nil, err
	}
	handle, err := windows.OpenService(manager, name, windows.SERVICE_QUERY_CONFIG|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		windows.CloseServiceHandle(manager)
		return nil, nil, err
	}
	s := &mgr.Service{Name: Name, Handle: handle}
	return s, func() { s.Close(); windows.CloseServiceHandle(manager) }, nil
}

func look(context.Context) (Service, error) {
	out := Service{Manager: "Windows", State: Absent}
	s, done, err := openService()
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	defer done()
	status, err := s.Query()
	if err != nil {
		return out, fmt.Errorf("the service could not be asked how it is: %w", err)
	}
	command, automatic, err := readConfig(s)
	if err != nil {
		return out, fmt.Errorf("the service's configuration could not be read: %w", err)
	}
	out.State = stateOf(status)
	out.PID = int(status.ProcessId)
	out.Definition = `HKEY_LOCAL_MACHINE\` + registryKey
	out.AutoStart = automatic
	if out.State == Failed {
		out.Says = "the last run ended with: " + windows.Errno(status.Win32ExitCode).Error()
	}
	out.Origin = Stranger
	if words, err := windows.DecomposeCommandLine(command); err == nil && len(words) > 0 {
		out.Program = words[0]
		if strings.EqualFold(filepath.Base(words[0]), "portsitter.exe") && slices.Equal(words[1:], []string{"service", "run"}) {
			out.Origin = Ours
		}
	}
	if out.Origin == Ours {
		out.Copied = readParameter(copiedValue) == 1
		out.Outdated = readParameter(madeValue) != definition
	}
	return out, nil
}

// readConfig reads the command that the service runs, and whether it starts with Windows. The manager
// of x/sys asks for more than Wine knows.
func readConfig(s *mgr.Service) (command string, automatic bool, err error) {
	const enough = 8 << 10 // the most that Windows needs, says the documentation of QueryServiceConfig
	var buffer struct {
		config windows.QUERY_SERVICE_CONFIG
		_      [enough]byte // the texts that config points to
	}
	// Windows writes pointers into the buffer, so it must stay where it is: not on the stack.
	var pinned runtime.Pinner
	defer pinned.Unpin()
	pinned.Pin(&buffer)
	var needed uint32
	if err := windows.QueryServiceConfig(s.Handle, &buffer.config, enough, &needed); err != nil {
		return "", false, err
	}
	return windows.UTF16PtrToString(buffer.config.BinaryPathName), buffer.config.StartType == mgr.StartAutomatic, nil
}

func stateOf(status svc.Status) State {
	switch status.State {
	case svc.StartPending, svc.ContinuePending:
		return Starting
	case svc.Running, svc.Paused, svc.PausePending:
		return Running
	case svc.StopPending:
		return Stopping
	}
	// 1077: nobody has tried to start it since Windows started.
	if code := windows.Errno(status.Win32ExitCode); code != 0 && code != windows.ERROR_SERVICE_NEVER_STARTED {
		return Failed
	}
	return Stopped
}

func allowed() error {
	if !windows.GetCurrentProcessToken().IsElevated() {
		return ErrNotPermitted
	}
	return nil
}

func prepare() error { return nil }

func options(string, bool) service.KeyValue {
	return service.KeyValue{
		"StartType":              "automatic",
		"DelayedAutoStart":       false, // it would come two minutes after the start
		"OnFailure":              "restart",
		"OnFailureDelayDuration": restartDelay.String(),
		"OnFailureResetPeriod":   resetAfter,
	}
}

// restartDelay is when Windows starts a service again that has ended by itself.
const restartDelay = 5 * time.Second

// resetAfter is how many seconds without a failure make the next one the first again.
const resetAfter = 24 * 60 * 60

func install(s service.Service, _ string, copied bool) error {
	if err := s.Install(); err != nil {
		return err
	}
	err := completeInstall(copied)
	if err != nil {
		err = errors.Join(err, s.Uninstall())
	}
	return err
}

// completeInstall sets what kardianos/service does not: to be started again after every failure, not
// only the first, and also when it ended in an orderly way.
func completeInstall(copied bool) error {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	defer m.Disconnect()
	s, err := m.OpenService(Name)
	if err != nil {
		return err
	}
	defer s.Close()
	again := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: restartDelay}
	if err := s.SetRecoveryActions([]mgr.RecoveryAction{again, again, again}, resetAfter); err != nil {
		return fmt.Errorf("the service manager of Windows does not take what to do when the service fails: %w", err)
	}
	// Wine does not know this one, and can do without.
	if err := s.SetRecoveryActionsOnNonCrashFailures(true); err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
		return fmt.Errorf("the service manager of Windows does not take what to do when the service ends by itself: %w", err)
	}
	return writeParameters(copied)
}

func writeParameters(copied bool) error {
	k, _, err := registry.CreateKey(registry.LOCAL_MACHINE, parametersKey, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf("the registry key %s cannot be made: %w", parametersKey, err)
	}
	defer k.Close()
	value := uint32(0)
	if copied {
		value = 1
	}
	return errors.Join(k.SetDWordValue(copiedValue, value), k.SetDWordValue(madeValue, definition))
}

// readParameter reads a number that writeParameters wrote; 0 when it is not there.
func readParameter(name string) uint64 {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, parametersKey, registry.QUERY_VALUE)
	if err != nil {
		return 0
	}
	defer k.Close()
	value, _, err := k.GetIntegerValue(name)
	if err != nil {
		return 0
	}
	return value
}

// stop also stops a service that has failed and that Windows is about to start again: that cannot be
// called off, so it has to be waited for.
func stop(s service.Service) error {
	const every, slow = 100 * time.Millisecond, 2 * time.Second
	for end := time.Now().Add(restartDelay + slow); ; time.Sleep(every) {
		err := s.Stop()
		notYet := errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) || errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
		switch {
		case !notYet:
			return err
		case time.Now().After(end) && errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE):
			return nil
		case time.Now().After(end):
			return err
		}
	}
}

// uninstall counts as done when the service is gone: kardianos/service, which then removes the source
// in the Event Log, calls it a failure when that is not there.
func uninstall(s service.Service) error {
	err := s.Uninstall()
	if err == nil {
		return nil
	}
	_, done, e := openService()
	if errors.Is(e, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return nil
	}
	if e == nil {
		done()
	}
	return err
}

// explain gives the system's words their names.
func explain(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("%w (%w)", ErrNotPermitted, err)
	case errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		return ErrDeleting
	}
	return err
}
