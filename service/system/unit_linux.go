package system

import (
	_ "embed"
	"fmt"
	"strings"
)

// unitFile is the systemd unit. Packages ship it as it is, in /usr/lib/systemd/system; `portsitter
// install` writes it with the path of the program it was told, and the marks below.
//
//go:embed portsitter.service
var unitFile string

// packageProgram is where packages put the program.
const packageProgram = "/usr/bin/portsitter"

// The marks are what tells our unit from another program's.
const (
	madeMark   = "# Made by `portsitter install`; `portsitter uninstall` takes it away. Changes: systemctl edit portsitter\n"
	copiedMark = "# The program was put there by `portsitter install`, too.\n"
)

// unitFor is the unit that runs program. The path must pass plainPath: then nothing in it means
// anything to systemd, or to the template engine of kardianos/service.
func unitFor(program string, copied bool) string {
	mark := madeMark
	if copied {
		mark += copiedMark
	}
	return mark + strings.Replace(unitFile, "ExecStart="+packageProgram, "ExecStart="+program, 1)
}

// plainPath refuses a path that would have to be quoted in a unit file (systemd.syntax(7)).
func plainPath(path string) error {
	for _, r := range path {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("/._+-", r) {
			return fmt.Errorf("the program's path %q holds %q, which service files cannot: move the program to a plainly named folder", path, r)
		}
	}
	return nil
}

// readUnit tells who made a unit, and what it runs.
func readUnit(text string) (origin Origin, program string, copied bool) {
	origin = Stranger
	if strings.HasPrefix(text, madeMark) {
		origin, copied = Ours, strings.HasPrefix(text, madeMark+copiedMark)
	}
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); ok {
			if words := strings.Fields(command); len(words) > 0 {
				program = words[0]
			}
			break
		}
	}
	return origin, program, copied
}
