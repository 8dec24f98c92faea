//go:build !windows

package daemon

import (
	"os"
	"path/filepath"
)

// rename replaces to by from and waits until the folder is on disk, so that a power cut does not
// undo it.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
