package daemon

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// rename replaces to by from. Virus scanners and indexers hold a new file open for moments, so a
// denied access is tried again for up to a second.
func rename(from, to string) error {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if !busy || wait > 500*time.Millisecond {
			return err
		}
		time.Sleep(wait)
	}
}
