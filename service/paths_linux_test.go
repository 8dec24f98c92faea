package service

import "testing"

func TestLinuxPaths(t *testing.T) {
	const machine = "/etc/portsitter/portsitter.toml"
	for name, c := range map[string]struct {
		env  map[string]string
		root bool
		want paths
	}{
		"a person": {map[string]string{"HOME": "/home/x"}, false,
			paths{"/home/x/.config/portsitter/portsitter.toml", machine, "/home/x/.local/state/portsitter"}},
		"a person with other places": {map[string]string{"HOME": "/home/x", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, false,
			paths{"/c/portsitter/portsitter.toml", machine, "/s/portsitter"}},
		"a state place that is not absolute does not count": {map[string]string{"HOME": "/home/x", "XDG_STATE_HOME": "s"}, false,
			paths{"/home/x/.config/portsitter/portsitter.toml", machine, "/home/x/.local/state/portsitter"}},
		"root": {map[string]string{"HOME": "/root"}, true,
			paths{machine, machine, "/var/lib/portsitter"}},
		"a service with its own user": {map[string]string{"STATE_DIRECTORY": "/var/lib/private/portsitter"}, false,
			paths{machine, machine, "/var/lib/private/portsitter"}},
		"a service with both places": {map[string]string{"STATE_DIRECTORY": "/s:/s2", "CONFIGURATION_DIRECTORY": "/c:/c2"}, false,
			paths{"/c/portsitter.toml", machine, "/s"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY"} {
				t.Setenv(variable, c.env[variable])
			}
			got, err := linuxPaths(c.root)
			if err != nil || got != c.want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestLinuxPathsWithoutHome(t *testing.T) {
	for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY"} {
		t.Setenv(variable, "")
	}
	if got, err := linuxPaths(false); err == nil {
		t.Errorf("got %+v from nowhere", got)
	}
}
