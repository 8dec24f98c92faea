package system

import (
	"strconv"
	"strings"
	"time"
)

// systemdProperties is what look asks systemd for.
const systemdProperties = "LoadState,ActiveState,SubState,Result,FragmentPath,UnitFileState,MainPID,StatusText,StateChangeTimestamp"

// parseSystemd reads the answer of `systemctl show`: one KEY=VALUE a line. It fills in everything
// but what stands in the unit file.
func parseSystemd(answer string) Service {
	value := map[string]string{}
	for line := range strings.Lines(answer) {
		key, v, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		value[key] = v
	}
	s := Service{
		Manager: "systemd", Definition: value["FragmentPath"], AutoStart: value["UnitFileState"] == "enabled",
		State: systemdState(value["ActiveState"], value["SubState"]), Says: value["StatusText"],
	}
	if s.State == Stopped {
		s.Says = ""
	}
	if s.State == Failed || value["SubState"] == "auto-restart" {
		var told bool // else the text is what was true while it ran
		if s.Says, told = strings.CutPrefix(s.Says, ended); !told {
			s.Says = value["Result"]
		}
		s.Says = "the last run ended with: " + s.Says
	}
	if value["LoadState"] == "masked" { // a link to /dev/null, which hides who made the service
		s.Definition = ""
		if s.State == Stopped { // one that runs can be masked, too
			s.State = Masked
		}
	}
	if value["LoadState"] == "not-found" && s.State != Running {
		return Service{Manager: "systemd", State: Absent}
	}
	s.PID, _ = strconv.Atoi(value["MainPID"])
	// systemctl was asked to speak of times in UTC; older versions say "n/a".
	s.Since, _ = time.Parse("Mon 2006-01-02 15:04:05 MST", value["StateChangeTimestamp"])
	return s
}

func systemdState(active, sub string) State {
	switch active {
	case "active", "reloading", "refreshing":
		return Running
	case "activating":
		return Starting
	case "deactivating":
		return Stopping
	case "failed":
		return Failed
	}
	if sub == "auto-restart" { // between two tries some versions call it inactive
		return Starting
	}
	return Stopped
}

// originOf judges the unit that systemd took, by where it is and what is in it.
func originOf(s Service, text string) Service {
	s.Origin, s.Program, s.Copied = readUnit(text)
	switch {
	case s.Origin == Ours:
		s.Outdated = text != unitFor(s.Program, s.Copied)
	case isPackageUnit(s.Definition) && strings.HasSuffix(s.Program, "/portsitter"):
		s.Origin = Package
	}
	return s
}

// isPackageUnit: package managers have these folders to themselves (systemd.unit(5)).
func isPackageUnit(path string) bool {
	return strings.HasPrefix(path, "/usr/lib/systemd/system/") || strings.HasPrefix(path, "/lib/systemd/system/")
}
