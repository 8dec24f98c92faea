package service

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// defaultPaths are a person's own: %AppData% for the settings, which roams with the account, and
// %LocalAppData% for the state, which is about this PC and its router.
func defaultPaths() (paths, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return paths{}, err
	}
	state, err := os.UserCacheDir()
	if err != nil {
		return paths{}, err
	}
	machine, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return paths{}, err
	}
	return paths{
		settings: filepath.Join(config, "Portsitter", settingsName),
		shared:   filepath.Join(machine, "Portsitter", settingsName),
		state:    filepath.Join(state, "Portsitter"),
	}, nil
}
