package service

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// stagedProgram is a copy of the program beside the place that it is for. It is made while the one
// before still runs: a disk that is full or takes no files must not leave the PC without either.
type stagedProgram struct {
	copy string // "": the program is in its place already
	to   string
}

// stageProgram makes the copy. There must be no other program in its place.
func stageProgram(from, to string) (staged stagedProgram, err error) {
	if sameFile(from, to) {
		return stagedProgram{to: to}, nil
	}
	if err := mayReplace(to); err != nil {
		return staged, err
	}
	defer func() {
		if err != nil {
			err = fail(exitNot, "the program cannot be copied to %s (%w): put it into another lasting folder yourself (%s) and install it from there", to, err, lastingHint)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return staged, err
	}
	source, err := os.Open(from)
	if err != nil {
		return staged, err
	}
	defer source.Close()
	target, err := os.CreateTemp(filepath.Dir(to), ".portsitter-*")
	if err != nil {
		return staged, err
	}
	_, err = io.Copy(target, source)
	err = errors.Join(err, target.Chmod(0o755), target.Sync(), target.Close())
	if err != nil {
		os.Remove(target.Name())
		return staged, err
	}
	return stagedProgram{target.Name(), to}, nil
}

// commit puts the program in its place, in one step for whoever starts it meanwhile.
func (s stagedProgram) commit() error {
	if s.copy == "" {
		return nil
	}
	if err := replaceProgram(s.copy, s.to); err != nil {
		return fmt.Errorf("the program cannot be put in its place: %w", err)
	}
	return nil
}

// discard removes the copy, if it was not put in its place.
func (s stagedProgram) discard() {
	if s.copy != "" {
		os.Remove(s.copy)
	}
}

// mayReplace refuses a file that is there and is no Portsitter.
func mayReplace(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("what is at %s cannot be read: %w", path, err)
	}
	defer f.Close()
	if !mentions(f, modulePath) {
		return fail(exitNot, "%s is there already and is another program: move it away, or put Portsitter into a lasting folder yourself and install it from there", path)
	}
	return nil
}

// modulePath stands in every program that the Go compiler makes of this source.
const modulePath = "github.com/portsitter/portsitter/service"

// mentions says whether word is in r.
func mentions(r io.Reader, word string) bool {
	const piece = 64 << 10
	buffered := bufio.NewReaderSize(r, piece)
	for {
		seen, err := buffered.Peek(piece)
		if bytes.Contains(seen, []byte(word)) {
			return true
		}
		if err != nil {
			return false
		}
		buffered.Discard(piece - len(word)) // the word may begin in the rest
	}
}

// sameFile says whether both paths hold the same bytes.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	switch {
	case errA != nil || errB != nil:
		return false
	case os.SameFile(infoA, infoB):
		return true
	case infoA.Size() != infoB.Size():
		return false
	}
	fileA, err := os.Open(a)
	if err != nil {
		return false
	}
	defer fileA.Close()
	fileB, err := os.Open(b)
	if err != nil {
		return false
	}
	defer fileB.Close()
	return sameBytes(fileA, fileB)
}

func sameBytes(a, b io.Reader) bool {
	pieceA, pieceB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		nA, errA := io.ReadFull(a, pieceA)
		nB, errB := io.ReadFull(b, pieceB)
		if !bytes.Equal(pieceA[:nA], pieceB[:nB]) {
			return false
		}
		if errA != nil || errB != nil {
			ended := func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
			return ended(errA) && ended(errB)
		}
	}
}

// packageCommand is what a person types to have the package manager remove or purge Portsitter.
func packageCommand(verb string) string {
	if _, err := exec.LookPath("apt"); err == nil {
		return "apt " + verb + " portsitter"
	}
	return "dnf remove portsitter" // it knows no purge
}
