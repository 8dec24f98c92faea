//go:build !windows

package service

import (
	"os"
	"path/filepath"
)

// readableByAll says whether every user of this PC can read the file at path.
func (a *app) readableByAll(path string) bool {
	const read, enter = 0o004, 0o001
	file, err := os.Stat(path)
	if err != nil || file.Mode()&read == 0 {
		return false
	}
	folder, err := os.Stat(filepath.Dir(path))
	return err == nil && folder.Mode()&enter != 0
}
