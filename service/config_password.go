package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/portsitter/portsitter/configs"
	"github.com/spf13/cobra"
)

const passwordHelp = `Make the line that gives the page a password, so that it can be opened from another device.

  portsitter config password
  cat password.txt | portsitter config password

It asks twice and shows nothing of what you type; from a pipe or file it reads one line. The line is
printed, and with it where to put it: the password itself is stored nowhere. A running Portsitter
takes a changed password over by itself.

Exit codes: 0 printed, 1 stopped, 2 a password that will not do
`

func newPasswordCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "password",
		Short: "Make the line for a password of the page",
		Long:  passwordHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			return a.configPassword(ctx, os.Stdin)
		},
	}
}

// configPassword asks for a new password of the page and prints its line for the settings: to standard
// output, all else to standard error, so that it can be appended to a file. On a terminal it asks
// twice and shows nothing of what is typed.
func (a *app) configPassword(ctx context.Context, in *os.File) error {
	ask := a.readPassword
	if is, _ := terminal(in); is {
		ask = a.askPassword
	}
	password, err := ask(ctx, in)
	if err != nil {
		return err
	}
	hash, err := configs.HashPassword(password)
	if err != nil {
		return fail(exitUsage, "%w: choose another one", err)
	}
	if _, err := fmt.Fprintf(a.stdout, "password = %q\n", hash); err != nil {
		return fmt.Errorf("the line cannot be written: %w", err)
	}
	path, err := a.settingsFile()
	if path == "" || err != nil {
		path = "the settings file (`portsitter config init` writes one)"
	}
	fmt.Fprintf(a.stderr, "Put this line under [page] in %s, in place of the one that begins with \"password\". "+
		"Other devices are let in once listen there names this PC's address, or \"0.0.0.0:27880\" for all.\n", plain(path))
	return nil
}

// readPassword reads one line of a pipe or file.
func (a *app) readPassword(_ context.Context, in *os.File) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, configs.MaxPassword+3)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("no password could be read: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askPassword asks a person.
func (a *app) askPassword(ctx context.Context, in *os.File) (string, error) {
	first, err := a.askHidden(ctx, in, "New password for the page: ")
	if err != nil {
		return "", err
	}
	again, err := a.askHidden(ctx, in, "The same once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", fail(exitUsage, "the two are not the same: nothing was changed, try again")
	}
	return first, nil
}

// askHidden reads one line of a terminal that does not show it. Ctrl+C gives the terminal back as it
// was: else it would show nothing of what is typed from then on.
func (a *app) askHidden(ctx context.Context, in *os.File, question string) (string, error) {
	restore, err := hideTyping(in)
	if err != nil {
		return "", fmt.Errorf("this terminal cannot hide what is typed (%w): hand the password in through a pipe", err)
	}
	defer func() { restore(); fmt.Fprintln(a.stderr) }()
	fmt.Fprint(a.stderr, question)
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // a terminal's reads cannot be called off; this one ends with the process
		text, err := a.readPassword(ctx, in)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-ctx.Done():
		return "", fail(exitNot, "stopped: nothing was changed")
	}
}
