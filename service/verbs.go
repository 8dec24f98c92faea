package service

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

const runHelp = `Keep the port open until Ctrl+C.

  portsitter run
  portsitter run --config home.toml --state ./state
  portsitter run --page 127.0.0.1:8080

It asks the router for the port, looks again and again whether the router still holds it, puts it
back when it is lost, and takes it away when it is stopped. The log is on standard error.
http://localhost:27880 shows whether an opponent can reach you.

Flags:
  --config FILE   settings file ("portsitter config path" names the usual one)
  --state DIR     folder for what is remembered between two starts
  --page ADDR     serve the page at this address instead of the settings' ones
  --port NAME     keep only the port with this name in the settings

Exit codes: 0 stopped as asked, 1 could not go on, 2 wrong usage or settings. Only one Portsitter
can keep a state folder: a second one says who does, and exits with 1.
`

func newRunCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Keep the port open until Ctrl+C",
		Long:  runHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			a.whose = mine
			return a.run(ctx)
		},
	}
}

const demoHelp = `Try Portsitter in a home made of software: router, internet, checker and game are part of the
program. Your own router is left alone.

  portsitter demo
  portsitter demo --break carrier-nat
  portsitter demo --break list
  portsitter demo --break port-taken --page 127.0.0.1:8080

Flags:
  --break CODE   start with this fault, one of the codes that the README explains; "list" prints those
                 there are, in the README's order
  --page ADDR    serve the page at this address instead of the settings' ones
`

func newDemoCommand(a *app) *cobra.Command {
	var breakCode string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it in a home made of software",
		Long:  demoHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			a.whose = mine
			return a.demo(ctx, breakCode)
		},
	}
	cmd.Flags().StringVar(&breakCode, "break", "", "start with this fault")
	return cmd
}

// untilStopped returns a context that ends when a person or the system asks us to stop. Asking a
// second time kills at once: the farewell to the router may be what hangs.
func untilStopped(parent context.Context) (context.Context, context.CancelFunc) {
	// Go delivers a closed console window on Windows as SIGTERM.
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

const completionHelp = `Print completions for a shell, to be read by that shell.

  source <(portsitter completion bash)
  portsitter completion zsh > "${fpath[1]}/_portsitter"
  portsitter completion fish > ~/.config/fish/completions/portsitter.fish
  portsitter completion powershell | Out-String | Invoke-Expression
`

func newCompletionCommand(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Completions for bash, zsh, fish or PowerShell",
		Long:      completionHelp,
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fail(exitUsage, "completion is for one shell: say `portsitter completion bash`, or zsh, fish, powershell")
			}
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.stdout)
			}
			return fail(exitUsage, "there are no completions for %q: %s", args[0], orElse(didYouMean(args[0], shells),
				"it can be "+list(shells)))
		},
	}
}
