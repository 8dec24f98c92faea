// Man writes the manual page of portsitter on standard output. It is made of the help texts of a
// built program, so that it cannot tell anything else than they do.
//
//	go run ./scripts/packaging/man PROGRAM DATE VERSION
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: man PROGRAM DATE VERSION")
		os.Exit(2)
	}
	program, err := filepath.Abs(os.Args[1])
	if err == nil {
		err = page(os.Stdout, os.Args[2], os.Args[3], func(verb ...string) (string, error) {
			out, err := exec.Command(program, append([]string{"help"}, verb...)...).Output()
			return string(out), err
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// verbLine is a line of the list of verbs: its name, and what it does.
var verbLine = regexp.MustCompile(`^  ([a-z]+) {2,}(\S.*)$`)

// page writes the page; help gives the help of a verb, or that of the whole program.
func page(w io.Writer, date, version string, help func(verb ...string) (string, error)) error {
	whole, err := help()
	if err != nil {
		return fmt.Errorf("portsitter help: %w", err)
	}
	about, rest, ok := strings.Cut(whole, "\nVerbs:\n")
	if !ok {
		return fmt.Errorf("the help of the program has no list of verbs")
	}
	verbs, rest, _ := strings.Cut(rest, "\n\n")
	fmt.Fprintf(w, ".TH PORTSITTER 1 %q %q\n", date, "Portsitter "+version)
	fmt.Fprint(w, ".SH NAME\nportsitter \\- keep a UDP port open on the home router\n")
	fmt.Fprint(w, ".SH SYNOPSIS\n.B portsitter\n.I VERB\n[flags]\n.SH DESCRIPTION\n", roff(about))
	fmt.Fprint(w, ".SH OPTIONS\n", roff(rest), ".SH VERBS\n")
	n := 0
	for line := range strings.Lines(verbs) {
		m := verbLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		text, err := help(m[1])
		if err != nil {
			return fmt.Errorf("portsitter help %s: %w", m[1], err)
		}
		fmt.Fprintf(w, ".SS portsitter %s\n%s", m[1], roff(text))
		n++
	}
	if n == 0 {
		return fmt.Errorf("the help of the program names no verb")
	}
	_, err = fmt.Fprint(w, files)
	return err
}

const files = `.SH FILES
.TP
.I /etc/portsitter/portsitter.toml
The settings of the service. Without it the defaults hold.
.TP
.I /var/lib/portsitter
What the service remembers between two starts.
.TP
.IR ~/.config/portsitter ", " ~/.local/state/portsitter
The same for one who runs it without the service.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1),
.UR http://localhost:27880/help
.UE
`

// term is a line of a list: something to type, and what it is for.
var term = regexp.MustCompile(`^  (\S.*?) {2,}(\S.*)$`)

// roff turns a help text into the language of manual pages: paragraphs are filled, lines that are
// indented stay lines, and those in two columns become lists.
func roff(text string) string {
	var b strings.Builder
	const (
		nowhere = iota
		paragraph
		list
		lines
	)
	at := nowhere
	enter := func(state int, open string) {
		if at == lines && state != lines {
			b.WriteString(".fi\n.RE\n")
		}
		if at != state {
			b.WriteString(open)
		}
		at = state
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		m := term.FindStringSubmatch(line)
		switch {
		case line == "":
			enter(nowhere, "")
		case !strings.HasPrefix(line, "  "):
			enter(paragraph, ".PP\n")
			b.WriteString(escape(line) + "\n")
		case m != nil && !strings.Contains(m[2], "   "): // more columns than two are a table
			enter(list, "")
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", escape(m[1]), escape(m[2]))
		case at == list && strings.HasPrefix(line, "    "): // goes on with the line before
			b.WriteString(escape(strings.TrimSpace(line)) + "\n")
		default:
			enter(lines, ".PP\n.RS 2\n.nf\n")
			b.WriteString(escape(line[2:]) + "\n")
		}
	}
	enter(nowhere, "")
	return b.String()
}

// escape keeps groff from taking a text for commands, and hyphens that are to be typed from becoming
// typographic ones.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
