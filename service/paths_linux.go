package service

import (
	"os"
	"path/filepath"
	"strings"
)

// defaultPaths follows systemd where that started us, the file system hierarchy for root, and the
// XDG base directories for a person.
func defaultPaths() (paths, error) { return linuxPaths(os.Geteuid() == 0) }

func linuxPaths(root bool) (paths, error) {
	const machine = "/etc/portsitter/" + settingsName
	p := paths{settings: machine, shared: machine, state: "/var/lib/portsitter"}

	// systemd.exec(5): set from ConfigurationDirectory= and StateDirectory=, several with colons.
	config, _, _ := strings.Cut(os.Getenv("CONFIGURATION_DIRECTORY"), ":")
	state, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if config != "" {
		p.settings = filepath.Join(config, settingsName)
	}
	if state != "" {
		p.state = state
	}
	if config != "" || state != "" || root {
		return p, nil
	}

	dir, err := os.UserConfigDir()
	if err != nil {
		return paths{}, err
	}
	p.settings = filepath.Join(dir, "portsitter", settingsName)
	// The specification of the base directories says to ignore a path that is not absolute.
	if dir = os.Getenv("XDG_STATE_HOME"); !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return paths{}, err
		}
		dir = filepath.Join(home, ".local", "state")
	}
	p.state = filepath.Join(dir, "portsitter")
	return p, nil
}
