package service

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand calls do for all commands that a person can type.
func everyCommand(t *testing.T, do func(t *testing.T, cmd *cobra.Command)) {
	root := newRootCommand(&app{stdout: io.Discard, stderr: io.Discard})
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		t.Run(cmd.CommandPath(), func(t *testing.T) { do(t, cmd) })
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
}

// Help is written by hand: this keeps it true when flags come and go.
func TestHelpNamesEveryFlag(t *testing.T) {
	written := regexp.MustCompile(`--[a-z][a-z-]+`)
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		if cmd.Long == "" || cmd.Short == "" {
			t.Fatal("no help text")
		}
		if cmd.HasParent() {
			for _, word := range strings.Fields(cmd.LocalNonPersistentFlags().FlagUsages()) {
				if strings.HasPrefix(word, "--") && word != "--help" && !strings.Contains(cmd.Long, word) {
					t.Errorf("the flag %s is not in the help", word)
				}
			}
		}
		for _, flag := range written.FindAllString(cmd.Long, -1) {
			name := strings.TrimPrefix(flag, "--")
			if name != "help" && cmd.Flag(name) == nil {
				t.Errorf("the help speaks of %s, and there is no such flag", flag)
			}
		}
	})
}

// Every line of help that starts with "portsitter" can be typed as it stands.
func TestHelpExamplesAreRight(t *testing.T) {
	example := regexp.MustCompile(`(?m)^  (portsitter .*)$`)
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		if !example.MatchString(cmd.Long) && !strings.Contains(cmd.Long, "source <(portsitter") {
			t.Error("no example")
		}
		for _, line := range example.FindAllString(cmd.Long, -1) {
			// Behind two spaces stands what the example is for, behind the others the shell's part.
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  ")
			line, _, _ = strings.Cut(line, " |")
			line, _, _ = strings.Cut(line, " >")
			line, _, _ = strings.Cut(line, " &&")
			args := strings.Fields(strings.ReplaceAll(line, `"Kaillera P2P"`, "P2P"))[1:]
			root := newRootCommand(&app{stdout: io.Discard, stderr: io.Discard})
			found, rest, err := root.Find(args)
			if err != nil || found == root {
				t.Errorf("%s: no such verb (%v)", line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
}

func TestRootHelpNamesEveryVerb(t *testing.T) {
	root := newRootCommand(&app{stdout: io.Discard, stderr: io.Discard})
	for _, cmd := range root.Commands() {
		if !cmd.Hidden && !strings.Contains(rootHelp, "\n  "+cmd.Name()+" ") {
			t.Errorf("the verb %s is not in the help", cmd.Name())
		}
	}
}
