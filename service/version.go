package service

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is the version of a released build, without a leading v. The linker sets it:
// -ldflags "-X github.com/portsitter/portsitter/service.version=0.1.0".
var version string

// buildVersion is the version of this build: as released, else what the go command knows about
// the source, else "devel".
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

// buildCommit is the commit the build was made from, or "commit not known".
func buildCommit() string {
	const digits = 12
	commit, changed := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value[:min(digits, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = " with changes"
			}
		}
	}
	if commit == "" {
		return "commit not known"
	}
	return commit + changed
}

const versionHelp = `Say which version this is, of which commit, and what it was built for.

  portsitter version             # one line
  portsitter version --licenses  # the licences of all that is in it
`

func newVersionCommand(a *app) *cobra.Command {
	texts := false
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long:  versionHelp,
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if texts {
				return printLicenses(a.stdout)
			}
			return a.version()
		},
	}
	c.Flags().BoolVar(&texts, "licenses", false, "print the licences of all that is in the program")
	return c
}

func (a *app) version() error {
	_, err := fmt.Fprintf(a.stdout, "portsitter %s (%s, %s %s/%s)\n",
		buildVersion(), buildCommit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
