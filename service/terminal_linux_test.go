package service

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo terminal: what is written to screen's program side comes out at keys.
func openTerminal(t *testing.T) (outside, inside *os.File) {
	t.Helper()
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("no pseudo terminal: %v", err)
	}
	t.Cleanup(func() { outside.Close() })
	fd := int(outside.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inside.Close() })
	return outside, inside
}

func TestLogOnTerminal(t *testing.T) {
	for name, c := range map[string]struct {
		env, value string
		colours    bool
	}{
		"usual":             {"TERM", "xterm", true},
		"NO_COLOR":          {"NO_COLOR", "1", false},
		"terminal is dumb":  {"TERM", "dumb", false},
		"NO_COLOR is empty": {"NO_COLOR", "", true}, // no-color.org: only when not an empty string
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TERM", "xterm")
			t.Setenv("NO_COLOR", "")
			t.Setenv(c.env, c.value)
			outside, inside := openTerminal(t)
			newLogger(inside, "info").Info("mapped", slog.String("router", escapes))
			buffer := make([]byte, 4096)
			n, err := outside.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			got := string(buffer[:n])
			if !strings.Contains(got, "INF") || strings.Contains(got, "level=") {
				t.Errorf("not the format for terminals: %q", got)
			}
			if coloured := strings.Contains(got, "\x1b["); coloured != c.colours {
				t.Errorf("coloured: %v, want %v: %q", coloured, c.colours, got)
			}
			if strings.Contains(got, "\x1b[31m") {
				t.Errorf("the router's escape sequence: %q", got)
			}
		})
	}
}

// onHangup tells a closed terminal from a request to read the settings by this.
func TestTerminalThatIsClosed(t *testing.T) {
	outside, inside := openTerminal(t)
	if is, _ := terminal(inside); !is {
		t.Fatal("a terminal is not taken for one")
	}
	outside.Close()
	if is, _ := terminal(inside); is {
		t.Error("a closed terminal is still taken for one")
	}
}

func TestTerminalIsNoPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if is, _ := terminal(w); is {
		t.Error("a pipe is taken for a terminal")
	}
}

func TestShowsUnicode(t *testing.T) {
	_, inside := openTerminal(t)
	for name, c := range map[string]struct {
		term, all, ctype, lang string
		want                   bool
	}{
		"UTF-8":                         {"xterm", "", "", "de_DE.UTF-8", true},
		"written another way":           {"xterm", "", "", "C.utf8", true},
		"nothing set":                   {"xterm", "", "", "", false},
		"Latin 1":                       {"xterm", "", "", "de_DE.ISO-8859-1", false},
		"LC_ALL goes first":             {"xterm", "C", "en_US.UTF-8", "en_US.UTF-8", false},
		"LC_CTYPE goes before LANG":     {"xterm", "", "en_US.UTF-8", "C", true},
		"the text console's small font": {"linux", "", "", "en_US.UTF-8", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TERM", c.term)
			t.Setenv("LC_ALL", c.all)
			t.Setenv("LC_CTYPE", c.ctype)
			t.Setenv("LANG", c.lang)
			if got := showsUnicode(inside); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
