package service

import (
	"context"
	"encoding/json"
	"net/netip"

	"github.com/portsitter/portsitter/daemon"
	"github.com/spf13/cobra"
)

const statusHelp = `Show what the running Portsitter knows: can an opponent reach you, and if not, what do you do now?

  portsitter status
  portsitter status -v                      with the evidence behind each line
  portsitter status --json                  for programs, exactly as the daemon gave it
  portsitter status --watch                 and every change, until Ctrl+C
  portsitter status --watch --json          a line of JSON for each publication
  portsitter status --port "Kaillera P2P"   only this port
  portsitter status && echo "ready to host"

The first line that is not good is the one to look at:
  ✓ [ok] good   ✗ [!!] broken   ? [??] could not find out   – [--] left out

Flags:
  -v, --verbose   details under each line
  -w, --watch     go on showing it until Ctrl+C; the exit code is that of the last status
  --json          the status as JSON, always with all ports; --port then only picks the exit code
  --port NAME     only the port with this name
  --page ADDR     ask the page at this address instead of the settings' one
  --config FILE   settings file that names the page

Exit codes: 0 reachable or ready, 1 not, 2 wrong usage or settings, 3 not running, 4 could not find
out. Several ports: the worst counts.
`

func newStatusCommand(a *app) *cobra.Command {
	var asJSON, verbose, watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what the running Portsitter knows",
		Long:  statusHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if watch {
				ctx, stop := untilStopped(cmd.Context())
				defer stop()
				return a.watchStatus(ctx, usualPace, asJSON, verbose)
			}
			return a.status(cmd.Context(), asJSON, verbose)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the status as JSON")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "details under each line")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it until Ctrl+C")
	return cmd
}

func (a *app) status(ctx context.Context, asJSON, verbose bool) error {
	page, err := a.page()
	known := a.showService(ctx, asJSON)
	if err != nil {
		return err // wrong settings, for example: then how the service is tells most
	}
	body, err := askStatus(ctx, page)
	if err != nil {
		return notRunning(err, known)
	}
	s, err := readStatus(body, page)
	if err != nil {
		return err
	}
	if a.portFlag != "" {
		if s.Ports, err = onlyPort(s.Ports, statusPortName, a.portFlag); err != nil {
			return err
		}
	}
	return a.show(body, s, asJSON, verbose)
}

// readStatus reads what the page answered.
func readStatus(body []byte, page netip.AddrPort) (*daemon.Status, error) {
	var s daemon.Status
	if err := json.Unmarshal(body, &s); err != nil || s.Version == "" {
		return nil, fail(exitUnknown, "what http://%s answers is not a status: is that another program? Name Portsitter's page with --page ADDR", page)
	}
	return &s, nil
}

// statusCode turns the status into an exit code, without a word: the status has said it.
func statusCode(s *daemon.Status) error {
	code := s.ExitCode()
	if code == exitOK {
		return nil
	}
	return &failure{code: code}
}
