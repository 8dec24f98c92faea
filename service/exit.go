package service

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes of every verb.
const (
	exitOK         = 0 // reachable, ready or done
	exitNot        = 1 // not reachable, or the verb could not do its work
	exitUsage      = 2 // wrong usage or wrong settings
	exitNotRunning = 3
	exitUnknown    = 4 // could not find out
)

// failure is an error with its exit code. Any other error that reaches report exits with exitNot.
type failure struct {
	code int
	err  error // nil: all has been said, only the code is left
}

func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

// report prints err as one line, if there is anything to say, and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	code := exitNot
	if f, ok := errors.AsType[*failure](err); ok {
		code = f.code
	}
	if text := err.Error(); text != "" {
		// The text may hold a file's or another program's words.
		fmt.Fprintf(w, "portsitter: %s\n", plain(text))
	}
	return code
}

// unknownVerb is the Args of a command that only leads to other commands.
func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var verbs []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			verbs = append(verbs, c.Name())
		}
	}
	return fail(exitUsage, "there is no verb %q: %s", cmd.CommandPath()+" "+args[0], orElse(didYouMean(args[0], verbs),
		"`"+cmd.CommandPath()+" --help` lists them"))
}

// noArguments is the Args of a verb that takes flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fail(exitUsage, "%q is more than `%s` takes: `%[2]s --help` shows how it is used", args[0], cmd.CommandPath())
}

func wrongFlag(cmd *cobra.Command, err error) error {
	// `portsitter stats --json`: the verb is what is wrong, not the flag after it.
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return unknownVerb(cmd, args)
	}
	return fail(exitUsage, "%w: `%s --help` lists the flags", err, cmd.CommandPath())
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// didYouMean is `did you mean "status"?` for the candidate nearest to word, or "".
func didYouMean(word string, candidates []string) string {
	const longest = 64 // a longer word is no slip of the finger
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if len(word) > longest || len(c) > longest {
			continue
		}
		d := distance(strings.ToLower(word), strings.ToLower(c))
		if d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance counts the letters to put in, take out or replace to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
