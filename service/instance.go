package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// The lock and the words about who holds it are two files: nobody can read a locked file on
// Windows.
const (
	lockName   = "portsitter.lock"
	holderName = "portsitter.pid"
)

// Holder is the Portsitter that keeps a state folder, as it tells about itself in portsitter.pid.
type Holder struct {
	PID  int    `json:"pid"`
	Page string `json:"page,omitempty"` // URL of its page, "" when it serves none
}

// HeldError says that another Portsitter already keeps the state folder.
type HeldError struct {
	Dir    string
	Holder Holder // PID is 0 when it could not be found out
}

func (e *HeldError) Error() string {
	var who []string
	if e.Holder.PID > 0 {
		who = append(who, fmt.Sprintf("pid %d", e.Holder.PID))
	}
	if e.Holder.Page != "" {
		who = append(who, "page "+e.Holder.Page)
	}
	other := "another Portsitter"
	if len(who) > 0 {
		other += " (" + strings.Join(who, ", ") + ")"
	}
	return fmt.Sprintf("%s already keeps this state folder: %s; stop it, or use --state DIR", other, e.Dir)
}

// acquire makes us the one Portsitter that keeps the state folder dir, until release is called or
// this process ends, however it ends. When another one does, the error is a *HeldError.
func acquire(dir string, info Holder) (release func(), err error) {
	lock := flock.New(filepath.Join(dir, lockName))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("the state folder cannot be locked (%w): name a folder on a local disk with --state DIR", err)
	case !locked:
		return nil, &HeldError{Dir: dir, Holder: readHolder(dir)}
	}
	// Without this file a second instance has less to say, and that is all: a full disk must not
	// keep the port shut.
	holder := filepath.Join(dir, holderName)
	written := writeHolder(holder, info) == nil
	return func() {
		if written {
			os.Remove(holder)
		}
		// The lock file stays: whoever has it open already would lock a file that has no name.
		lock.Unlock()
	}, nil
}

func writeHolder(path string, info Holder) error {
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return replaceFile(path, append(text, '\n'))
}

// replaceFile writes a file, for its owner's eyes, in one step, so that nobody reads half of it.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// readHolder reads what the holder told about itself. Whatever is wrong with the file, the answer
// is only that nothing is known.
func readHolder(dir string) Holder {
	const limit = 4 << 10
	f, err := os.Open(filepath.Join(dir, holderName))
	if err != nil {
		return Holder{}
	}
	defer f.Close()
	var h Holder
	if err := json.NewDecoder(io.LimitReader(f, limit)).Decode(&h); err != nil {
		return Holder{}
	}
	return h
}
