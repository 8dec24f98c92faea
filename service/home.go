package service

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/portsitter/portsitter/service/system"
)

// home is where the system service has its things. Each system has one function
// systemHome() (home, error).
type home struct {
	settings string            // the settings file
	state    string            // the folder for what is remembered between two starts
	logs     string            // the folder of the log files; "" where the service manager keeps the log
	secrets  string            // a folder that only administrators and the service may read; "" where there is none
	program  string            // where `install` puts the program when it does not stand in a lasting place
	lasting  func(string) bool // says whether a program stands where it will be tomorrow
	folders  []serviceFolder   // to be made by `install`, outermost first
}

// serviceFolder is one folder of the service, and what it is for.
type serviceFolder struct {
	path string
	kind system.Folder
}

// logFile is the service's own log file, "" where the service manager keeps the log.
func (h home) logFile() string {
	if h.logs == "" {
		return ""
	}
	return filepath.Join(h.logs, "portsitter.log")
}

// whose tells whose files a call is about.
type whose int

const (
	anybodys whose = iota // those of the service if there is one, else a person's own
	mine                  // those of the person who calls
	services              // those of the service
)

// places are the paths that hold for this call.
func (a *app) places() (paths, error) {
	if a.whose == mine || a.whose == anybodys && !a.manager().Installed() {
		return defaultPaths()
	}
	h, err := a.systemHome()
	if err != nil {
		return paths{}, err
	}
	if a.whose == services {
		return paths{settings: h.settings, shared: h.settings, state: h.state}, nil
	}
	p, err := defaultPaths()
	p.settings, p.shared = h.settings, h.settings
	return p, err
}

// make makes the folders that the service cannot make for itself.
func (h home) make() error {
	for _, f := range h.folders {
		if err := system.MakeFolder(f.path, f.kind); err != nil {
			return err
		}
	}
	return nil
}

// ownFiles are the names, as patterns, of the files that Portsitter makes in a folder of the service.
var ownFiles = struct{ state, logs []string }{
	state: []string{"state.json*", "history*.jsonl*", holderName + "*", lockName, lastGoodName + "*"},
	logs:  []string{"portsitter.log", "portsitter-*.log"},
}

// purge removes settings, state and logs of the service, and of other people's files none. It
// returns what is gone and what had to stay.
func (h home) purge() (gone, stayed []string, err error) {
	for _, f := range []struct {
		folder   string
		patterns []string
	}{
		{h.logs, ownFiles.logs},
		{h.state, ownFiles.state},
		{h.secrets, nil},
		{filepath.Dir(h.settings), []string{settingsName}},
	} {
		if f.folder == "" {
			continue
		}
		removed, e := empty(f.folder, f.patterns)
		err = errors.Join(err, e)
		switch _, there := os.Lstat(f.folder); {
		case there == nil:
			stayed = append(stayed, f.folder)
		case removed:
			gone = append(gone, f.folder)
		}
	}
	return gone, stayed, err
}

// empty removes the files in folder that match the patterns, and then the folder itself if nothing
// else is in it. removed is false when there was no folder.
func empty(folder string, patterns []string) (removed bool, err error) {
	if _, err := os.Lstat(folder); err != nil {
		return false, nil
	}
	// systemd makes /var/lib/portsitter a link into /var/lib/private.
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		real = folder
	}
	for _, pattern := range patterns {
		files, _ := filepath.Glob(filepath.Join(real, pattern)) // the patterns are ours, and right
		for _, file := range files {
			if info, e := os.Lstat(file); e == nil && info.Mode().IsRegular() {
				err = errors.Join(err, os.Remove(file))
			}
		}
	}
	if os.Remove(real) == nil && real != folder {
		os.Remove(folder)
	}
	return true, err
}
