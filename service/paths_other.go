//go:build !linux && !windows

package service

import (
	"os"
	"path/filepath"
)

// defaultPaths keeps everything in the person's configuration folder.
func defaultPaths() (paths, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return paths{}, err
	}
	dir = filepath.Join(dir, "portsitter")
	return paths{
		settings: filepath.Join(dir, settingsName),
		shared:   "/etc/portsitter/" + settingsName,
		state:    filepath.Join(dir, "state"),
	}, nil
}
