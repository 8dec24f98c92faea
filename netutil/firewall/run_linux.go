package firewall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// mostOutput bounds what a tool may print. A set of addresses of whole countries is longer, and such
// a firewall is not judged.
const mostOutput = 4 << 20

// tool finds a program where the system keeps its own; PATH is not asked, since this may run as root.
func tool(name string) string {
	for _, folder := range []string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"} {
		if info, err := os.Stat(folder + name); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return folder + name
		}
	}
	return ""
}

// run gives what a tool prints. No shell takes part, and nothing of our environment.
func run(ctx context.Context, name string, args ...string) (string, error) {
	path := tool(name)
	if path == "" {
		return "", fmt.Errorf("%s is not installed, so the firewall's rules cannot be listed", name)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out, mostOutput}, &limited{&complaint, 64 << 10}
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(complaint.String(), "\n")
		return "", fmt.Errorf("%s %s: %w %s", name, strings.Join(args, " "), err, line)
	}
	return out.String(), nil
}

// errTooLong ends the reading of what has no end.
var errTooLong = errors.New("the firewall's rules are too many to be judged")

// limited takes so many bytes and no more.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.left {
		return 0, errTooLong
	}
	l.left -= len(b)
	return l.to.Write(b)
}
