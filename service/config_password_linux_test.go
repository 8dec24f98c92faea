package service

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/portsitter/portsitter/configs"
)

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// typed waits until a question is asked, and types an answer.
func typed(t *testing.T, asked *safeBuffer, question string, outside *os.File, answer string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if strings.Contains(asked.String(), question) {
			fmt.Fprint(outside, answer)
			return
		}
		<-tick.C
	}
	t.Fatalf("%q was not asked, but %q", question, asked)
}

func TestPasswordOnTerminal(t *testing.T) {
	for name, c := range map[string]struct {
		first, again string
		says         string
		code         int
	}{
		"the same twice": {"correct horse\n", "correct horse\n", "", exitOK},
		"a slip":         {"correct horse\n", "correct house\n", "not the same", exitUsage},
		"too short":      {"horse\n", "horse\n", "at least 8", exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			outside, inside := openTerminal(t)
			var stdout, stderr safeBuffer
			a := &app{stdout: &stdout, stderr: &stderr, configFlag: "/etc/x/portsitter.toml"}
			done := make(chan error, 1)
			go func() { done <- a.configPassword(t.Context(), inside) }()
			typed(t, &stderr, "New password", outside, c.first)
			typed(t, &stderr, "once more", outside, c.again)
			err := <-done
			if code := report(&stderr, err); code != c.code || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("exit code %d, %s", code, stderr.String())
			}
			if !echoes(t, inside) {
				t.Error("the terminal stays blind")
			}
			if strings.Contains(stderr.String()+stdout.String(), "correct h") {
				t.Error("the password was printed")
			}
			if c.code != exitOK {
				return
			}
			hash := strings.TrimSuffix(strings.TrimPrefix(stdout.String(), `password = "`), "\"\n")
			if !configs.PasswordMatches(hash, "correct horse") || !strings.Contains(stderr.String(), "/etc/x/portsitter.toml") {
				t.Errorf("prints %q, says %q", stdout.String(), stderr.String())
			}
			inside.Close()
			screen := make([]byte, 4096) // what the terminal itself has shown of the keys
			outside.SetReadDeadline(time.Now().Add(time.Second))
			n, _ := outside.Read(screen)
			if strings.Contains(string(screen[:n]), "horse") {
				t.Errorf("the terminal shows %q", screen[:n])
			}
		})
	}
}

// TestPasswordIsStopped: Ctrl+C at the question must not leave a terminal that shows nothing.
func TestPasswordIsStopped(t *testing.T) {
	outside, inside := openTerminal(t)
	var stdout, stderr safeBuffer
	a := &app{stdout: &stdout, stderr: &stderr}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.configPassword(ctx, inside) }()
	typed(t, &stderr, "New password", outside, "half")
	if echoes(t, inside) {
		t.Error("the terminal shows what is typed")
	}
	cancel()
	if code := report(&stderr, <-done); code != exitNot || !echoes(t, inside) || stdout.String() != "" {
		t.Errorf("exit code %d, echoes %t, prints %q", code, echoes(t, inside), stdout.String())
	}
	fmt.Fprintln(outside) // lets the reader go
}
