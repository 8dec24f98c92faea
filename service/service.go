// Package service is what a person at a terminal and the operating system see of Portsitter: the
// verbs of the command line, exit codes, the places on disk, one instance at a time, the log's
// format, and the wiring of the daemon with its neighbours.
//
// It decides nothing about routers or mappings. `status` shows what a running daemon published,
// and never looks for itself.
package service

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// app is one call of the program: its streams and the flags that every verb takes.
type app struct {
	stdout io.Writer
	stderr io.Writer

	configFlag string // --config FILE
	stateFlag  string // --state DIR
	pageFlag   string // --page ADDR
	portFlag   string // --port NAME

	whose      whose                // files this call is about
	serviceMgr serviceManager       // nil: that of this system
	homeOf     func() (home, error) // nil: systemHome
	browse     func(string) error   // nil: opens a page in this person's browser
	doors      *doors               // nil: the firewall of this PC
}

// Main runs the command line args (without the program's name) and returns the exit code:
// 0 reachable, ready or done; 1 not; 2 wrong usage or settings; 3 the daemon is not running;
// 4 could not find out. What went wrong is one line on stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	// Else cobra refuses to work when it was started by a double click on Windows.
	cobra.MousetrapHelpText = ""
	a := &app{stdout: stdout, stderr: stderr}
	if done, code := a.doubleClicked(args); done {
		return code
	}
	return a.execute(args)
}

func (a *app) execute(args []string) int {
	root := newRootCommand(a)
	// Without arguments cobra would take those of the process.
	root.SetArgs(append([]string{}, args...))
	return report(a.stderr, root.Execute())
}

const rootHelp = `Portsitter keeps one door of this home open (UDP 27886), so that others can join the game you host.

  portsitter run       keep the door open; stop with Ctrl+C
  portsitter install   do so from now on, whenever this PC is on
  portsitter status    can my opponent reach me, and if not, what do I do now?

While it runs, http://localhost:27880 shows the same in a browser.

Verbs:
  run           keep the port open until Ctrl+C
  status        show what the running Portsitter knows
  check         ask a computer on the internet to knock at the port
  open          open the page in the browser
  install       make it a service, which starts with this PC
  uninstall     take the service away
  start         start the service
  stop          stop the service
  restart       stop the service and start it again
  logs          show the log of the service
  notify        who is told about changes: test
  support       print a text to paste when you ask for help
  config        the settings file: path, init, check, show, password
  checker       knock at the ports of others who ask: for a server
  demo          try it in a home made of software; your router is left alone
  version       say which version this is
  completion    completions for bash, zsh, fish or PowerShell
  help VERB     more about one verb, with examples

Flags for every verb:
  --config FILE   settings file ("portsitter config path" names the usual one)
  --state DIR     folder for what is remembered between two starts
  --page ADDR     address of the page, for example 127.0.0.1:27880
  --port NAME     only the port with this name in the settings
  -h, --help      help for a verb

Exit codes:
  0 reachable, ready or done   1 not   2 wrong usage or settings
  3 not running                4 could not find out
`

func newRootCommand(a *app) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:               "portsitter",
		Short:             "Keep one door of this home open",
		Long:              rootHelp,
		Args:              unknownVerb,
		SilenceErrors:     true, // report prints, once
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				return a.version()
			}
			return cmd.Help()
		},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetHelpFunc(printHelp)
	root.SetFlagErrorFunc(wrongFlag)
	root.Flags().BoolVar(&showVersion, "version", false, "say which version this is")

	flags := root.PersistentFlags()
	flags.StringVar(&a.configFlag, "config", "", "settings file")
	flags.StringVar(&a.stateFlag, "state", "", "folder for what is remembered between two starts")
	flags.StringVar(&a.pageFlag, "page", "", "address of the page")
	flags.StringVar(&a.portFlag, "port", "", "only the port with this name")

	root.SetHelpCommand(newHelpCommand(root))
	root.AddCommand(
		newRunCommand(a),
		newStatusCommand(a),
		newCheckCommand(a),
		newCheckerCommand(a),
		newNotifyCommand(a),
		newSupportCommand(a),
		newConfigCommand(a),
		newDemoCommand(a),
		newVersionCommand(a),
		newCompletionCommand(a),
		newInstallCommand(a),
		newUninstallCommand(a),
		newOpenCommand(a),
		newLogsCommand(a),
		newServiceCommand(a),
	)
	root.AddCommand(newControlCommands(a)...)
	return root
}

// printHelp prints the text written for the verb: each one is whole, so no template is needed.
func printHelp(cmd *cobra.Command, _ []string) {
	fmt.Fprint(cmd.OutOrStdout(), cmd.Long)
}

func newHelpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "More about one verb",
		Long:  rootHelp,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(cmd, rest)
			}
			return cmd.Help()
		},
	}
}
