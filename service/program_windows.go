package service

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lastingHint is an example of a lasting folder.
const lastingHint = `one in C:\Program Files, for example`

// replaceProgram puts the program at from in the place of the one at to, which may be running: then
// Windows does not let it be written over, but moved.
func replaceProgram(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	aside, e := setAside(to)
	if e != nil {
		return err // the first one says more
	}
	if err = os.Rename(from, to); err != nil {
		err = errors.Join(err, os.Rename(aside, to))
	}
	return err
}

// removeProgram removes the program and its folder, if nothing else is in there. A program that runs
// is moved away instead, and aside is where to.
func removeProgram(path string) (aside string, err error) {
	if os.Remove(path) != nil {
		if aside, err = setAside(path); err != nil {
			return "", err
		}
	}
	os.Remove(filepath.Dir(path))
	return aside, nil
}

// setAside moves a program that runs out of its place, to be removed when Windows starts the next
// time. In its place it could not wait for that: what is installed there until then would be removed.
func setAside(path string) (aside string, err error) {
	system, err := windows.GetSystemWindowsDirectory()
	if err != nil {
		return "", err
	}
	// Windows moves such a file only within its disk.
	for _, folder := range []string{filepath.Join(system, "Temp"), filepath.Dir(path)} {
		if aside, err = moveInto(folder, path); err == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	for _, p := range []string{aside, filepath.Dir(aside)} {
		if name, err := windows.UTF16PtrFromString(p); err == nil {
			// Else it lies there for longer, and does no harm.
			_ = windows.MoveFileEx(name, nil, windows.MOVEFILE_DELAY_UNTIL_REBOOT)
		}
	}
	return aside, nil
}

func moveInto(folder, path string) (to string, err error) {
	own, err := os.MkdirTemp(folder, "portsitter-")
	if err != nil {
		return "", err
	}
	to = filepath.Join(own, filepath.Base(path))
	if err := os.Rename(path, to); err != nil {
		os.Remove(own)
		return "", err
	}
	return to, nil
}
