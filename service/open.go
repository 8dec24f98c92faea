package service

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
)

const openHelp = `Open the page in the browser.

  portsitter open

Where there is no browser, over SSH for example, it prints the address.

Flags:
  --page ADDR     the page at this address instead of the settings' one
  --config FILE   settings file that names the page

Exit codes: 0 opened, or the address printed; 2 wrong usage or settings; 3 Portsitter is not running;
4 could not find out
`

func newOpenCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "open",
		Short: "Open the page in the browser",
		Long:  openHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			page, err := a.page()
			if err != nil {
				return err
			}
			if _, err := askStatus(cmd.Context(), page); err != nil {
				return err // a browser would only say that nobody answers
			}
			return a.openPage("http://"+page.String()+"/", page.Port())
		},
	}
}

// errNoBrowser says that nobody sits at this PC's screen, as far as this process can tell.
var errNoBrowser = errors.New("there is no browser to open it in")

func (a *app) openPage(url string, port uint16) error {
	open := browse
	if a.browse != nil {
		open = a.browse
	}
	if err := open(url); err != nil {
		fmt.Fprintf(a.stdout, "The page is at %s\n", url)
		if where := sshHere(); where != "" {
			fmt.Fprintf(a.stdout, "From the PC you sit at: `ssh -L %d:127.0.0.1:%[1]d %s`, then open http://localhost:%[1]d/ there.\n", port, where)
		}
		return nil
	}
	fmt.Fprintf(a.stdout, "%s is opened in the browser.\n", url)
	return nil
}

// sshHere is the address by which this terminal has been reached over SSH, "" when it was not.
func sshHere() string {
	var client, clientPort, server, serverPort string
	if n, _ := fmt.Sscan(os.Getenv("SSH_CONNECTION"), &client, &clientPort, &server, &serverPort); n != 4 || net.ParseIP(server) == nil {
		return ""
	}
	return server
}
