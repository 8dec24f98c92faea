package service

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/service/system"
	"github.com/spf13/cobra"
)

const logsHelp = `Show the log of the service: what happened, and when.

  portsitter logs
  portsitter logs -n 500
  portsitter logs -f        and go on showing what is added, until Ctrl+C

Under systemd it is in the journal, on Windows in a file of the service. Where [log] of the settings
names a file, it is there.

Flags:
  -n, --lines N   the last N lines (50)
  -f, --follow    go on until Ctrl+C

Exit codes: 0 shown, 1 there is no log or it cannot be read, 2 wrong usage or settings
`

func newLogsCommand(a *app) *cobra.Command {
	var lines int
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show the log of the service",
		Long:  logsHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if lines < 0 {
				return fail(exitUsage, "-n %d: a number of lines is 0 or more", lines)
			}
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			return a.logs(ctx, lines, follow)
		},
	}
	cmd.Flags().IntVarP(&lines, "lines", "n", 50, "the last N lines")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until Ctrl+C")
	return cmd
}

func (a *app) logs(ctx context.Context, lines int, follow bool) (err error) {
	settings, _, wrong := a.settings()
	if wrong != nil {
		settings = configs.Settings{} // with wrong ones, too, the log tells what happened
		defer func() { err = cmp.Or(err, wrong) }()
	}
	file, journal, err := a.logPlace(ctx, settings.Log)
	switch {
	case err != nil:
		return err
	case journal:
		return a.showJournal(ctx, lines, follow)
	}
	last, size, err := lastLines(file, lines)
	if errors.Is(err, fs.ErrNotExist) && follow {
		last, size, err = nil, 0, nil // it comes with the first line
	}
	if err != nil {
		return fmt.Errorf("the log cannot be read: %w", err)
	}
	for _, line := range last {
		fmt.Fprintln(a.stdout, plain(line))
	}
	if follow {
		return followFile(ctx, file, size, a.stdout)
	}
	return nil
}

// lastLog is the last n lines of the log.
func (a *app) lastLog(ctx context.Context, n int) ([]string, error) {
	settings, _, err := a.settings()
	if err != nil {
		settings = configs.Settings{}
	}
	file, journal, err := a.logPlace(ctx, settings.Log)
	if err != nil {
		return nil, err
	}
	if !journal {
		last, _, err := lastLines(file, n)
		return last, err
	}
	text, err := journalctl(ctx, n).Output()
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be read: %w", err)
	}
	return tailOf(text, n), nil
}

// logPlace tells where the log is: in the journal, or in a file.
func (a *app) logPlace(ctx context.Context, l configs.Log) (file string, journal bool, err error) {
	_, missing := os.Stat(l.File)
	if l.File != "" && (missing == nil || !a.manager().Installed()) {
		return l.File, false, nil
	}
	// The service makes the file when it starts; where it cannot, it does without.
	s, err := a.manager().Look(ctx)
	if err != nil {
		return "", false, fmt.Errorf("the service manager does not answer: %w", err)
	}
	if s.State == system.Absent {
		return "", false, fail(exitNot, "there is no service whose log could be shown; `portsitter run` writes its log into its own terminal, or where file in [log] of the settings says")
	}
	if s.Manager == "systemd" {
		return "", true, nil
	}
	h, err := a.systemHome()
	if err != nil {
		return "", false, err
	}
	if h.logs == "" {
		return "", false, fail(exitNot, "where %s keeps the log of a service is not known: name a file in [log] of the settings", s.Manager)
	}
	return h.logFile(), false, nil
}

func journalctl(ctx context.Context, lines int, more ...string) *exec.Cmd {
	args := append([]string{"--unit", system.Name, "--no-pager", "--lines", strconv.Itoa(lines)}, more...)
	return exec.CommandContext(ctx, "journalctl", args...)
}

func (a *app) showJournal(ctx context.Context, lines int, follow bool) error {
	var more []string
	if follow {
		more = append(more, "--follow")
	}
	cmd := journalctl(ctx, lines, more...)
	cmd.Stdout, cmd.Stderr = a.stdout, a.stderr // it says by itself who may read the journal
	err := cmd.Run()
	switch {
	case ctx.Err() != nil: // Ctrl+C is the way to end it
		return nil
	case err != nil:
		return fail(exitNot, "the journal could not be shown (%w): %s", err, asAdministrator(commandName()+" logs"))
	}
	return nil
}

// longestTail bounds how much of a log is read to find its last lines.
const longestTail = 1 << 20

// lastLines reads the last n lines of a file, as far as they are within its last mebibyte, and tells
// how long the file was then.
func lastLines(path string, n int) (lines []string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, 0, err
	}
	begin := max(0, size-longestTail)
	text, err := io.ReadAll(io.NewSectionReader(f, begin, size-begin))
	if begin > 0 {
		if _, rest, found := bytes.Cut(text, []byte("\n")); found {
			text = rest // the first line was cut
		}
	}
	return tailOf(text, n), size, err
}

func tailOf(text []byte, n int) []string {
	lines := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines[max(0, len(lines)-n):]
}

// followFile writes what is added to a file beyond the first seen bytes, until ctx ends. A file that
// has become shorter is a new one: the old one has been set aside.
func followFile(ctx context.Context, path string, seen int64, w io.Writer) error {
	const every = 500 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		f, err := os.Open(path)
		if err != nil {
			continue // between the old and the new one there is none
		}
		seen, err = copyNew(f, seen, w)
		f.Close()
		if err != nil {
			return fmt.Errorf("the log cannot be followed: %w", err)
		}
	}
}

// copyNew writes the whole lines that stand in f behind the first seen bytes, and returns how many
// bytes have been seen then.
func copyNew(f *os.File, seen int64, w io.Writer) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return seen, err
	}
	if info.Size() < seen {
		seen = 0
	}
	text, err := io.ReadAll(io.NewSectionReader(f, seen, longestTail))
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole == 0 && len(text) == longestTail {
		whole = len(text) // no line is that long
	}
	for line := range strings.Lines(string(text[:whole])) {
		if _, err := fmt.Fprintln(w, plain(strings.TrimRight(line, "\r\n"))); err != nil {
			return seen, err
		}
	}
	return seen + int64(whole), err
}
