package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// settingsName is the file name of the settings, wherever they are.
const settingsName = "portsitter.toml"

// paths are the usual places on disk. Each system has one function defaultPaths() (paths, error).
type paths struct {
	settings string // the settings file of whoever runs this: the system service, or a person
	shared   string // the settings file of the whole machine: read when settings is not there
	state    string // the folder for what is remembered between two starts
}

// settingsFile is the settings file to read: the one named with --config, else the usual one if it
// is there, else that of the whole machine if it can be read, else "": the defaults apply.
func (a *app) settingsFile() (string, error) {
	if a.configFlag != "" {
		return absolute(a.configFlag), nil
	}
	p, err := a.places()
	if err != nil {
		return "", fail(exitUsage, "the usual place of the settings is not known (%w): name a file with --config FILE", err)
	}
	return p.inUse(), nil
}

// inUse is the settings file that is there, "" if there is none.
func (p paths) inUse() string {
	// One that is there but cannot be read counts, too: then reading it says what is wrong.
	if _, err := os.Stat(p.settings); !errors.Is(err, fs.ErrNotExist) {
		return p.settings
	}
	if f, err := os.Open(p.shared); err == nil {
		f.Close()
		return p.shared
	}
	return ""
}

// stateDir is the folder for what is remembered between two starts, made if it is not there.
// Only its owner may look inside: it holds what lets one change our entries in the router.
func (a *app) stateDir() (string, error) {
	dir := a.stateFlag
	if dir == "" {
		p, err := a.places()
		if err != nil {
			return "", fail(exitUsage, "the usual place of the state folder is not known (%w): name one with --state DIR", err)
		}
		dir = p.state
	}
	dir = absolute(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("the state folder cannot be made (%w): name another one with --state DIR", err)
	}
	return dir, nil
}

// absolute is path as it stands in messages and pid files: true from any folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
