package daemon

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Store keeps Memory and history in one folder: state.json, replaced whole, and history.jsonl, one
// event a line, appended. A damaged file is set aside and reported, never fatal.
type Store struct{ dir string }

const (
	stateFile   = "state.json"
	historyFile = "history.jsonl"
	// memoryVersion is raised when an older program could not make sense of state.json any more.
	memoryVersion = 1
	maxStateBytes = 1 << 20
	maxHistory    = 1 << 20 // bytes of history.jsonl before it is rotated
	keptHistories = 3       // rotated files beside it
)

// OpenStore opens the folder and loads its Memory, or makes a new one. The notice says what a
// person should know about a damaged file. The one error that is returned is a file written by a
// newer Portsitter: to overwrite that would lose what the newer one has to clean up.
func OpenStore(dir string) (st *Store, m Memory, notice string, err error) {
	st = &Store{dir: dir}
	st.sweep()
	m, err = st.load()
	var newer newerError
	switch {
	case err == nil:
		return st, m, "", nil
	case errors.As(err, &newer):
		return nil, Memory{}, "", err
	case !errors.Is(err, fs.ErrNotExist):
		notice = st.setAside(err)
	}
	m = Memory{Version: memoryVersion}
	rand.Read(m.Secret[:]) // never fails (crypto/rand, Go 1.24)
	return st, m, notice, nil
}

// sweep takes away what a process left behind that was killed between writing and renaming. Only one
// process at a time opens a folder.
func (st *Store) sweep() {
	left, _ := filepath.Glob(st.path(stateFile + ".*" + newSuffix)) // the pattern is a good one
	for _, f := range left {
		os.Remove(f)
	}
}

// newSuffix ends the name of a file that will replace another one.
const newSuffix = ".new"

// newerError is a state file of a later version of the program.
type newerError struct {
	path    string
	version int
}

func (e newerError) Error() string {
	return fmt.Sprintf("%s was written by a newer Portsitter (format %d, this one knows %d), and nothing was changed: install the newer version again, "+
		"or move the file away; what it has left in the router then ends with its lease", e.path, e.version, memoryVersion)
}

func (st *Store) path(name string) string { return filepath.Join(st.dir, name) }

func (st *Store) load() (Memory, error) {
	data, err := readBounded(st.path(stateFile), maxStateBytes)
	if err != nil {
		return Memory{}, err
	}
	return decodeMemory(data, st.path(stateFile))
}

// decodeMemory reads what Save has written; path is for the words of an error.
func decodeMemory(data []byte, path string) (Memory, error) {
	// The version first, and alone: a newer file may have anything else in another form.
	var format struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(data, &format) == nil && format.Version > memoryVersion {
		return Memory{}, newerError{path, format.Version}
	}
	var m Memory
	if err := json.Unmarshal(data, &m); err != nil {
		return Memory{}, err
	}
	if m.Version < 1 || m.Secret == (Secret{}) {
		return Memory{}, errors.New("it has no version or no secret")
	}
	return m, nil
}

// setAside moves a damaged state file away, so that it can be looked at, and says so.
func (st *Store) setAside(why error) string {
	aside := st.path(stateFile + ".damaged")
	if err := os.Rename(st.path(stateFile), aside); err != nil {
		return fmt.Sprintf("The state file %s cannot be read (%v) and is not used.", st.path(stateFile), why)
	}
	return fmt.Sprintf("The state file was damaged (%v) and has been set aside as %s; Portsitter starts with a new one.", why, aside)
}

// Save replaces state.json whole.
func (st *Store) Save(m Memory) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return ReplaceFile(st.path(stateFile), append(data, '\n'))
}

// Record appends one event to the history, and rotates the file when it has grown.
func (st *Store) Record(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if info, err := os.Stat(st.path(historyFile)); err == nil && info.Size() > maxHistory {
		st.rotate()
	}
	f, err := os.OpenFile(st.path(historyFile), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(endLine(f), append(line, '\n')...))
	return err
}

// endLine is the line end that a torn last line needs before the next one: a power cut may have
// left half of it.
func endLine(f *os.File) []byte {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return nil
	}
	return []byte{'\n'}
}

func (st *Store) rotate() {
	name := func(i int) string { return st.path(fmt.Sprintf("%s.%d", historyFile, i)) }
	for i := keptHistories - 1; i >= 1; i-- {
		os.Rename(name(i), name(i+1))
	}
	os.Rename(st.path(historyFile), name(1))
}

// Events reads the history, oldest first: the present file and the one before it, which together go
// back more than a month. Lines that are damaged are passed over: they cost themselves and nothing
// else.
func (st *Store) Events(yield func(Event) bool) {
	for _, name := range []string{historyFile + ".1", historyFile} {
		if !st.eventsIn(name, yield) {
			return
		}
	}
}

func (st *Store) eventsIn(name string, yield func(Event) bool) bool {
	f, err := os.Open(st.path(name))
	if err != nil {
		return true
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 2*maxHistory))
	lines.Buffer(nil, 2*maxHistory)
	for lines.Scan() {
		var e Event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.At.IsZero() || e.At.After(time.Now().AddDate(0, 0, 2)) {
			continue
		}
		if !yield(e) {
			return false
		}
	}
	return true
}

// readBounded reads a file that must not be larger than limit.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return data, err
}

// ReplaceFile writes a file so that at any moment, power cut included, either the old or the new
// content is there whole. The file is readable by its owner alone.
func ReplaceFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+newSuffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return rename(f.Name(), path)
}
