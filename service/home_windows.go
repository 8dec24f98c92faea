package service

import (
	"path/filepath"
	"strings"

	"github.com/portsitter/portsitter/service/system"
	"golang.org/x/sys/windows"
)

// systemHome is in %ProgramData%, and the program in %ProgramFiles%: the service has an account of
// its own and cannot see anybody's folders.
func systemHome() (home, error) {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return home{}, err
	}
	programs, err := windows.KnownFolderPath(windows.FOLDERID_ProgramFiles, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return home{}, err
	}
	data = filepath.Join(data, "Portsitter")
	h := home{
		settings: filepath.Join(data, settingsName),
		state:    filepath.Join(data, "state"),
		logs:     filepath.Join(data, "logs"),
		secrets:  filepath.Join(data, "secrets"),
		program:  filepath.Join(programs, "Portsitter", "portsitter.exe"),
		lasting: func(program string) bool {
			inside := strings.ToLower(programs) + `\`
			return strings.HasPrefix(strings.ToLower(program), inside)
		},
	}
	h.folders = []serviceFolder{{data, system.SettingsFolder}, {h.state, system.StateFolder}, {h.logs, system.LogsFolder}, {h.secrets, system.SecretsFolder}}
	return h, nil
}
