package notify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// helper is what the test binary does when it is the command that is to be started.
func helper(what string, args []string) {
	switch what {
	case "helper-facts":
		for _, e := range os.Environ() {
			if strings.HasPrefix(e, "PORTSITTER_") {
				f, err := os.OpenFile(args[0], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				if err == nil {
					fmt.Fprintln(f, e)
					f.Close()
				}
			}
		}
		fmt.Println("told\x1b[31m " + strings.Repeat("x", 1<<20))
	case "helper-fail":
		os.Exit(3)
	case "helper-hang": // with a child of its own, which holds the output open
		child := exec.Command(os.Args[0], "helper-sleep")
		child.Stdout = os.Stdout
		if err := child.Start(); err == nil {
			_ = os.WriteFile(args[0], []byte(strconv.Itoa(child.Process.Pid)), 0o600)
		}
		time.Sleep(time.Minute)
	case "helper-sleep":
		time.Sleep(time.Minute)
	}
	os.Exit(0)
}

func TestCommandGetsTheFacts(t *testing.T) {
	t.Setenv("PORTSITTER_NEXT_STEP", "inherited by accident")
	file := filepath.Join(t.TempDir(), "facts")
	n := sample()
	n.Ports[0].Headline = "$(touch /tmp/x); `id` \x00 & calc.exe"
	n.Ports = append(n.Ports, Port{Name: "Other", Port: 9, Transport: "tcp", Verdict: "not-ready"})
	r := Sender{}.Send(t.Context(), nil, []string{os.Args[0], "helper-facts", file}, n)[0]
	if r.Err != nil || r.Index != -1 || !strings.HasPrefix(r.Output, "told[31m xxx") || len(r.Output) > maxOutput+8 {
		t.Errorf("%.100s %+v", r.Output, r.Err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, want := range []string{
		"PORTSITTER_EVENT=verdict", "PORTSITTER_PORT=27886", "PORTSITTER_PORT=9", "PORTSITTER_VERDICT=reachable", "PORTSITTER_CODE=reachable",
		"PORTSITTER_ADDRESS=203.0.113.7:27886", "PORTSITTER_ADDRESS=", "PORTSITTER_HEADLINE=$(touch /tmp/x); `id`  & calc.exe",
		"PORTSITTER_NEXT_STEP=", "PORTSITTER_PUBLIC_ADDRESS=203.0.113.7", "PORTSITTER_TIME=2026-11-20T18:00:00Z",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "accident") {
		t.Error("a fact was inherited")
	}
}

func TestCommandThatFails(t *testing.T) {
	for name, row := range map[string]struct {
		command []string
		says    string
	}{
		"exit code": {[]string{os.Args[0], "helper-fail"}, "exit status 3"},
		"not there": {[]string{filepath.Join(t.TempDir(), "tell")}, "no such program"},
		"no name":   {[]string{"portsitter-test-no-such-program"}, "no such program"},
	} {
		r := Sender{}.Send(t.Context(), nil, row.command, sample())[0]
		if r.Err == nil || !strings.Contains(r.Err.Error(), row.says) || !r.Err.(*Failure).Final {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestCommandThatHangsIsEnded, with the child that it has started.
func TestCommandThatHangsIsEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	begun := time.Now()
	r := Sender{commandLimit: 2 * time.Second}.Send(t.Context(), nil, []string{os.Args[0], "helper-hang", file}, sample())[0]
	if r.Err == nil || !strings.Contains(r.Err.Error(), "was ended") {
		t.Errorf("%+v", r)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if !running(pid) {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("process %d, a child of the command, goes on", pid)
}
