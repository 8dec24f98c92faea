package service

import (
	"path/filepath"
	"slices"
	"strings"
)

// systemHome is where systemd, or an administrator, gives the service its place.
func systemHome() (home, error) {
	p, err := linuxPaths(true)
	return home{
		settings: p.settings, state: p.state,
		program: "/usr/local/bin/portsitter", lasting: lastingFolder,
	}, err
}

// lastingFolder accepts the folders that only an administrator fills.
func lastingFolder(program string) bool {
	bins := []string{"/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"}
	return slices.Contains(bins, filepath.Dir(program)) || strings.HasPrefix(program, "/opt/")
}
