package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	commandLimit = 10 * time.Second
	allCommands  = time.Minute // for all ports together
	maxOutput    = 1 << 10
)

// run starts the command, once for each port that the news are about: in a process group of its own,
// without a shell, with the facts in its environment. What it has started is ended with it after
// 10 s. On Windows a batch file is run by cmd.exe, as Windows does; it, too, gets the facts from its
// environment only.
func (s Sender) run(ctx context.Context, command []string, n News) (output string, failure *Failure) {
	ports := n.Ports
	if len(ports) == 0 {
		ports = []Port{{}}
	}
	ctx, cancel := context.WithTimeout(ctx, allCommands)
	defer cancel()
	for _, p := range ports {
		out, f := s.runOnce(ctx, command, n.environment(p))
		if output == "" {
			output = out
		}
		if f != nil {
			failure = f
		}
		if ctx.Err() != nil {
			break
		}
	}
	return output, failure
}

func (s Sender) runOnce(ctx context.Context, command, environment []string) (string, *Failure) {
	limit := commandLimit
	if s.commandLimit != 0 {
		limit = s.commandLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var output head
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second // a child of it may hold its output open
	end, err := startGroup(cmd)
	if err == nil {
		err = cmd.Wait()
		end()
	}
	text := clean(output.String(), maxOutput)
	exit := new(exec.ExitError)
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return text, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return text, &Failure{Text: fmt.Sprintf("it took longer than %v and was ended", limit), Final: true}
	case ctx.Err() != nil:
		return text, &Failure{Text: "it was called off"}
	case errors.As(err, &exit):
		return text, &Failure{Text: "it ended with " + exit.Error(), Final: true}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return text, &Failure{Text: "there is no such program: write its full path", Final: true}
	case errors.Is(err, fs.ErrPermission):
		return text, &Failure{Text: "it may not be started: is it executable, for the user that Portsitter runs as?", Final: true}
	}
	return text, &Failure{Text: "it cannot be started", Final: true}
}

// environment is what the command learns.
func (n News) environment(p Port) []string {
	facts := []struct{ name, value string }{
		{"EVENT", n.Event},
		{"TIME", n.At.UTC().Format(time.RFC3339)},
		{"TITLE", n.title()},
		{"TEXT", n.text()},
		{"PORT_NAME", p.Name},
		{"PORT", number(p.Port)},
		{"TRANSPORT", p.Transport},
		{"VERDICT", p.Verdict},
		{"CODE", p.Code},
		{"HEADLINE", p.Headline},
		{"NEXT_STEP", p.NextStep},
		{"ADDRESS", p.Address},
		{"PUBLIC_ADDRESS", addrText(n.Public.IsValid(), n.Public)},
		{"PREVIOUS_PUBLIC_ADDRESS", addrText(n.Previous.IsValid(), n.Previous)},
	}
	environment := make([]string, len(facts)) // all of them, so that nothing is inherited by accident
	for i, f := range facts {
		environment[i] = "PORTSITTER_" + f.name + "=" + f.value
	}
	return environment
}

func number(port uint16) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(int(port))
}

func addrText(known bool, a fmt.Stringer) string {
	if !known {
		return ""
	}
	return a.String()
}

// head keeps the first bytes of what is written.
type head struct {
	mu sync.Mutex
	b  strings.Builder
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.b.Write(p[:min(len(p), maxOutput-h.b.Len())])
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}
