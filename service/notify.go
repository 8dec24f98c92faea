package service

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/notify"
	"github.com/spf13/cobra"
)

const notifyHelp = `Who is told when your address or the answer changes: the webhooks and the command in [notify] of the
settings.

  portsitter notify test                       send each of them a message now
  portsitter notify test --config ./new.toml   those of another settings file

The message says that it is a test. It holds what the running Portsitter knows, or made-up facts when
none is running. It is sent by this command itself, as the user who types it: files of url_file and
variables of url_env have to be there for the service, too. What a command prints is shown here only.

Flags:
  --config FILE   settings file
  --page ADDR     ask the page at this address for the facts

Exit codes: 0 everybody was told, 1 somebody was not, 2 wrong usage or settings, or nobody to tell.
`

func newNotifyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Who is told about changes: test",
		Long:  notifyHelp,
		Args:  unknownVerb,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "test",
		Short: "Send each receiver a message now",
		Long:  notifyHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			return a.notifyTest(ctx)
		},
	})
	return cmd
}

func (a *app) notifyTest(ctx context.Context) error {
	settings, path, err := a.settings()
	if err != nil {
		return err
	}
	to := settings.Notify
	if len(to.Command) == 0 && len(to.Webhooks) == 0 {
		return fail(exitUsage, "nobody is to be told: write [[notify.webhook]] or a command into %s", orElse(path, "a settings file (`portsitter config init` writes one)"))
	}
	news := a.testNews(ctx)
	marks := marksFor(a.stdout)
	failed := 0
	for _, r := range tellReceivers(ctx, to, news) {
		mark, words := marks.of(daemon.StepOK), "told"
		if r.Err != nil {
			failed++
			mark, words = marks.of(daemon.StepBroken), r.Err.Error()
		}
		fmt.Fprintf(a.stdout, "%s %s: %s\n", mark, marks.clean(r.Receiver), marks.clean(words))
		if r.Output != "" {
			fmt.Fprintf(a.stdout, "  it printed: %s\n", marks.clean(r.Output))
		}
	}
	if failed > 0 {
		return &failure{code: exitNot}
	}
	return nil
}

// testNews is what the running daemon knows, or a sample that says what it is.
func (a *app) testNews(ctx context.Context) notify.News {
	if page, err := a.page(); err == nil {
		if body, err := askStatus(ctx, page); err == nil {
			if s, err := readStatus(body, page); err == nil {
				return daemon.TestNews(s)
			}
		}
	}
	return daemon.TestNews(&daemon.Status{
		At:       time.Now(),
		PublicIP: &daemon.PublicIP{Address: netip.AddrFrom4([4]byte{203, 0, 113, 7})}, // of RFC 5737: nobody has it
		Ports: []daemon.Port{{
			Name: "Kaillera P2P", Port: 27886, Transport: "udp", Verdict: daemon.Ready, Code: daemon.CodeReady,
			Headline: "Portsitter is not running: these facts are made up",
			Address:  "203.0.113.7:27886",
		}},
	})
}
