//go:build lab && linux

package lab

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLeastPrivilege compares what the program really opens, changes, starts and talks to with the
// list in docs/privilege.md. What is not in the list is not to happen, and what is in the list and
// does not happen is not to be in the list.
func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	trace, state := filepath.Join(t.TempDir(), "strace"), t.TempDir()
	h.under = []string{"strace", "-D", "-f", "-q", "-s", "0", "-o", trace, "-e",
		"trace=open,openat,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,chmod,fchmodat,link,linkat,symlink,symlinkat,truncate,execve,connect,sendto,sendmsg,bind"}
	s := h.startIn(state, "")
	s.awaitGrant(10 * time.Second)
	h.settle(s) // the searches are over, everybody has been asked
	for _, of := range []string{"/", "/metrics", "/healthz", "/api/v1/history"} {
		s.fetch(of)
	}
	s.stop()
	var text []byte
	eventually(t, 5*time.Second, "the trace is whole", func() bool {
		text, _ = os.ReadFile(trace) // it is written by another process
		return strings.Contains(string(text), "exited with 0")
	})
	allowed := allowances(t)
	used := map[string]bool{}
	for _, did := range deeds(string(text), state) {
		matched := false
		for _, a := range allowed {
			if a.covers(did) {
				used[a.String()], matched = true, true
			}
		}
		if !matched {
			t.Errorf("not in docs/privilege.md: %s", did)
		}
	}
	for _, a := range allowed {
		if !used[a.String()] && !a.sometimes {
			t.Errorf("in docs/privilege.md, but it did not happen: %s", a)
		}
	}
}

// deed is one thing that a process did to the world outside: read, write or run a file, or talk to
// an address.
type deed struct{ verb, what string }

func (d deed) String() string { return d.verb + " " + d.what }

// allowance is a line of the list.
type allowance struct {
	deed
	sometimes bool // not in every run, or not in a lab
}

var allowanceLine = regexp.MustCompile("(?m)^\\| (read|write|run|bind|talk to) \\| `([^`]+)` \\| (.*) \\|$")

func allowances(t *testing.T) (list []allowance) {
	t.Helper()
	text, err := os.ReadFile("../../docs/privilege.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range allowanceLine.FindAllStringSubmatch(string(text), -1) {
		list = append(list, allowance{deed{m[1], m[2]}, strings.HasPrefix(m[3], "sometimes")})
	}
	if len(list) < 10 {
		t.Fatalf("found only %v in docs/privilege.md", list)
	}
	return list
}

func (a allowance) covers(d deed) bool {
	ok, err := path.Match(a.what, d.what)
	return err == nil && ok && a.verb == d.verb
}

var (
	fileCall      = regexp.MustCompile(`^\d+\s+(\w+)\(.*?"([^"]*)"(.*)`)
	processNumber = regexp.MustCompile(`^/proc/\d+`)
	addressCall   = regexp.MustCompile(`^\d+\s+(connect|sendto|sendmsg|bind)\(.*sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)`)
)

// deeds reads a trace. Names are given as in the list: STATE, CONFIG, GATEWAY, PC, PID.
func deeds(trace, state string) (list []deed) {
	names := strings.NewReplacer(state, "STATE", "192.168.77.1", "GATEWAY", host.String(), "PC")
	others := map[string]bool{} // processes that have become another program: what it does is its own
	config := regexp.MustCompile(regexp.QuoteMeta(os.TempDir()) + `/.*/portsitter\.toml`)
	for line := range strings.Lines(trace) {
		var d deed
		pid, _, _ := strings.Cut(line, " ")
		if others[pid] {
			continue
		}
		if m := addressCall.FindStringSubmatch(line); m != nil {
			d = deed{"talk to", m[3] + ":" + m[2]}
			if m[1] == "bind" {
				d.verb = "bind"
			}
		} else if m := fileCall.FindStringSubmatch(line); m != nil && m[1] != "sendto" && m[1] != "sendmsg" && m[1] != "connect" && m[1] != "bind" {
			d = deed{"write", m[2]}
			switch {
			case m[1] == "execve":
				d.verb = "run"
				others[pid] = m[2] != built.portsitter
			case strings.HasPrefix(m[1], "open") && !strings.Contains(m[3], "O_WRONLY") && !strings.Contains(m[3], "O_RDWR") && !strings.Contains(m[3], "O_CREAT"):
				d.verb = "read"
			}
			if strings.Contains(m[3], "ENOENT") && d.verb == "read" {
				continue // there is nothing to read
			}
		} else {
			continue
		}
		d.what = config.ReplaceAllString(names.Replace(d.what), "CONFIG")
		d.what = processNumber.ReplaceAllString(d.what, "/proc/PID")
		if d.what == built.portsitter {
			continue // it is run itself
		}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b deed) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}
