package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/user"
	"runtime"
	"strings"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/spf13/cobra"
)

const supportHelp = `Print a text to paste when you ask for help: version, system, what differs from the default settings,
the whole ladder, the last events and log lines.

  portsitter support
  portsitter support > support.txt
  portsitter support --show-addresses

Addresses, names and hardware addresses are replaced by words like private-1, the same word for the
same address. Passwords and the addresses of webhooks are never in it. Read it before you paste it.

Flags:
  --show-addresses   with the addresses and names as they are
  --page ADDR        ask the page at this address instead of the settings' one
  --config FILE      settings file that names the page

Exit codes: 0 printed, 2 wrong usage, 3 printed, but Portsitter is not running, 4 printed, but
Portsitter does not answer as it should
`

func newSupportCommand(a *app) *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use:   "support",
		Short: "Print a text to paste when you ask for help",
		Long:  supportHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.support(cmd.Context(), show) },
	}
	cmd.Flags().BoolVar(&show, "show-addresses", false, "with the addresses and names as they are")
	return cmd
}

// supportLogLines is how many lines of the log are in a support text.
const supportLogLines = 100

// support prints what can be found out, and says afterwards what could not.
func (a *app) support(ctx context.Context, show bool) error {
	settings, path, wrong := a.settings()
	facts := supportFacts(settings)
	facts.ShowAddresses = show
	if wrong != nil {
		facts.Settings = wrong.Error()
	} else if path != "" {
		facts.Settings = "# " + path + "\n" + facts.Settings
	}
	var missing error
	facts.Status, facts.Events, missing = a.askSupport(ctx)
	if last, err := a.lastLog(ctx, supportLogLines); err == nil {
		facts.Log = last
	} else {
		facts.Log = []string{"(none: " + err.Error() + ")"}
	}
	if _, err := io.WriteString(a.stdout, daemon.SupportText(facts)); err != nil {
		return fmt.Errorf("the text cannot be written: %w", err)
	}
	return missing
}

// askSupport asks the running daemon for what it knows.
func (a *app) askSupport(ctx context.Context) (*daemon.Status, []daemon.Event, error) {
	page, err := a.page()
	if err != nil {
		return nil, nil, err
	}
	body, err := askStatus(ctx, page)
	if err != nil {
		return nil, nil, err
	}
	s, err := readStatus(body, page)
	if err != nil {
		return nil, nil, err
	}
	events, err := askHistory(ctx, page)
	return s, events, err
}

func askHistory(ctx context.Context, page netip.AddrPort) ([]daemon.Event, error) {
	status, body, err := askPage(ctx, http.MethodGet, page, "/api/v1/history")
	if err != nil {
		return nil, err
	}
	var events []daemon.Event
	if err := json.Unmarshal(body, &events); err != nil || status != http.StatusOK {
		return nil, fail(exitUnknown, "what http://%s answers is no history: is that another program? Name Portsitter's page with --page ADDR", page)
	}
	return events, nil
}

// supportFacts are those that do not come from the daemon.
func supportFacts(s configs.Settings) daemon.Support {
	f := daemon.Support{
		Now: time.Now(), Version: fmt.Sprintf("%s (%s)", buildVersion(), buildCommit()),
		System:   fmt.Sprintf("%s/%s, %s, %s", runtime.GOOS, runtime.GOARCH, systemName(), runtime.Version()),
		Settings: string(s.Changed()), Hosts: s.Page.Hosts,
	}
	if name, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(name, ".")
		f.Hosts = append([]string{name, short}, f.Hosts...)
	}
	if u, err := user.Current(); err == nil {
		f.Users = []string{u.Username[strings.LastIndexByte(u.Username, '\\')+1:], u.Name} // Windows: DOMAIN\name
	}
	return f
}

// pageSupport is what the page's support text has beside status and history. The journal is left out:
// a service may not read it.
func (a *app) pageSupport(s configs.Settings) daemon.Support {
	f := supportFacts(s)
	file := s.Log.File
	if file == "" && a.whose == services {
		if h, err := a.systemHome(); err == nil {
			file = h.logFile()
		}
	}
	if file != "" {
		f.Log, _, _ = lastLines(file, supportLogLines) // what can be read of it
	}
	return f
}
