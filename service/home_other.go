//go:build !linux && !windows

package service

import "strings"

// systemHome is where an administrator gives the service its place.
func systemHome() (home, error) {
	return home{
		settings: "/etc/portsitter/" + settingsName, state: "/var/lib/portsitter",
		program: "/usr/local/bin/portsitter",
		lasting: func(program string) bool {
			return strings.HasPrefix(program, "/usr/") || strings.HasPrefix(program, "/opt/")
		},
	}, nil
}
