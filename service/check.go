package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/spf13/cobra"
)

const checkHelp = `Ask a computer on the internet to knock at the port, and show what came of it. It works with the
game closed: Portsitter then answers in its place for a few seconds.

  portsitter check
  portsitter check --json
  portsitter check --while-hosting      although somebody is hosting

While a game holds the port, the check shows up in its window as a player who comes and leaves, and
can, rarely, throw an opponent out. So it is not done without --while-hosting.

Flags:
  --while-hosting   check although somebody is hosting
  --json            the status as JSON
  -v, --verbose     details under each line
  --port NAME       check this port; else the first one
  --page ADDR       ask the page at this address instead of the settings' one
  --config FILE     settings file that names the page

Exit codes: 0 reachable or ready, 1 not, 2 wrong usage or settings, 3 not running, 4 the check could
not be made.
`

// checkPatience is how long a check may take: three tries of 10 s, and one round more after a
// repair.
const checkPatience = 90 * time.Second

func newCheckCommand(a *app) *cobra.Command {
	var asJSON, verbose, whileHosting bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Ask a computer on the internet to knock at the port",
		Long:  checkHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), checkPatience)
			defer cancel()
			return a.check(ctx, whileHosting, asJSON, verbose)
		},
	}
	cmd.Flags().BoolVar(&whileHosting, "while-hosting", false, "check although somebody is hosting")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the status as JSON")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "details under each line")
	return cmd
}

func (a *app) check(ctx context.Context, whileHosting, asJSON, verbose bool) error {
	page, err := a.page()
	if err != nil {
		return err
	}
	id, err := a.beginCheck(ctx, page, whileHosting)
	if err != nil {
		return err
	}
	for {
		body, err := askStatus(ctx, page)
		if err != nil {
			return err
		}
		s, err := readStatus(body, page)
		if err != nil {
			return err
		}
		if over(s, id) {
			if a.portFlag != "" {
				if s.Ports, err = onlyPort(s.Ports, statusPortName, a.portFlag); err != nil {
					return err
				}
			}
			return a.show(body, s, asJSON, verbose)
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return fail(exitUnknown, "the check has not ended within %v: `portsitter status` shows how far it is", checkPatience)
		}
	}
}

// beginCheck asks the daemon to check, and returns the number of the check.
func (a *app) beginCheck(ctx context.Context, page netip.AddrPort, whileHosting bool) (uint64, error) {
	q := url.Values{}
	if a.portFlag != "" {
		name, err := a.portName(ctx, page)
		if err != nil {
			return 0, err
		}
		q.Set("port", name)
	}
	if whileHosting {
		q.Set("while_hosting", "1")
	}
	status, body, err := askPage(ctx, http.MethodPost, page, "/api/v1/check?"+q.Encode())
	if err != nil {
		return 0, err
	}
	switch status {
	case http.StatusAccepted:
	case http.StatusConflict:
		return 0, fail(exitUnknown, "a program holds the port: a check shows up in its window and can, rarely, throw an opponent out; with --while-hosting it is done all the same")
	case http.StatusNotFound, http.StatusUnprocessableEntity:
		return 0, fail(exitUsage, "%s", bytes.TrimSpace(body))
	default:
		return 0, fail(exitUnknown, "http://%s answers %d to the question for a check: %s", page, status, bytes.TrimSpace(body))
	}
	var answer struct {
		Check uint64 `json:"check"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Check == 0 {
		return 0, fail(exitUnknown, "what http://%s answers is no check: is that another program? Name Portsitter's page with --page ADDR", page)
	}
	return answer.Check, nil
}

// portName is the port of --port as the daemon writes it; an unknown one is told with the known ones.
func (a *app) portName(ctx context.Context, page netip.AddrPort) (string, error) {
	body, err := askStatus(ctx, page)
	if err != nil {
		return "", err
	}
	s, err := readStatus(body, page)
	if err != nil {
		return "", err
	}
	ports, err := onlyPort(s.Ports, statusPortName, a.portFlag)
	if err != nil {
		return "", err
	}
	return ports[0].Name, nil
}

func statusPortName(p daemon.Port) string { return p.Name }

// over reports whether check number id has ended. A status that knows only earlier checks is older than
// the answer that told the number.
func over(s *daemon.Status, id uint64) bool {
	newest := uint64(0)
	for _, p := range s.Ports {
		if p.Outside == nil {
			continue
		}
		if p.Outside.ID == id {
			return p.Outside.State != "checking"
		}
		newest = max(newest, p.Outside.ID)
	}
	return newest > id
}

// show prints a status in one of the two ways, and returns its exit code. A check that was asked for
// and could not be made is "could not find out".
func (a *app) show(body []byte, s *daemon.Status, asJSON, verbose bool) error {
	var err error
	if asJSON {
		_, err = fmt.Fprintf(a.stdout, "%s\n", bytes.TrimSpace(body))
	} else {
		v := view{now: time.Now(), verbose: verbose, marks: marksFor(a.stdout)}
		_, err = io.WriteString(a.stdout, v.status(s))
	}
	if err != nil {
		return fmt.Errorf("the status cannot be written: %w", err)
	}
	return statusCode(s)
}
