//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// limit is how long a program may take before the bench gives up on a run.
const limit = time.Minute

// The settings ask the lab's internet; nothing here needs an outside check.
const settings = `
[public_ip]
http = ["http://11.77.0.1:8080/"]
stun = ["11.77.0.1:3478"]
[checker]
automatic = false
`

const description = "http://192.168.77.1:5000/rootDesc.xml"

func (b *bench) writeConfig(name, text string) (string, error) {
	path := filepath.Join(b.dir, name+".toml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// portsitterFresh is a first start: nothing is known.
func (b *bench) portsitterFresh(h *home) (time.Duration, error) {
	state, err := os.MkdirTemp(b.dir, "state-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(state)
	return b.portsitter(h, state)
}

// portsitter runs from the start to the first grant, and stops.
func (b *bench) portsitter(h *home, state string) (time.Duration, error) {
	cmd, took, err := b.sit(h, b.config, state, 1)
	if err != nil {
		return 0, err
	}
	return took, stop(cmd)
}

// sit starts Portsitter, and returns when it has logged its grants.
func (b *bench) sit(h *home, config, state string, grants int) (cmd *exec.Cmd, took time.Duration, err error) {
	err = h.in("lan", func() error {
		cmd = exec.Command(filepath.Join(b.bin, "portsitter"), "run", "--config", config, "--state", state, "--page", page)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			return err
		}
		took, err = toLine(cmd, stderr, " msg=mapped ", grants)
		return err
	})
	return cmd, took, err
}

// stop ends a program and waits for it.
func stop(cmd *exec.Cmd) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	kill := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() }) // it may just have ended
	defer kill.Stop()
	return cmd.Wait()
}

// raw is one of the lower bounds.
func (b *bench) raw(args ...string) contender {
	return contender{"raw " + args[0], 1, func(h *home) (time.Duration, error) { return b.says(h, "raw", args...) }}
}

// says runs a program of ours that prints MAPPED, to its end.
func (b *bench) says(h *home, name string, args ...string) (took time.Duration, err error) {
	err = h.in("lan", func() error {
		cmd := exec.Command(filepath.Join(b.bin, name), args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		took, err = toLine(cmd, stdout, "MAPPED", 1)
		if err != nil {
			line, _, _ := strings.Cut(stderr.String(), "\n")
			return errors.New(strings.TrimSpace(line))
		}
		_ = cmd.Wait() // how it cleans up is no part of this
		return nil
	})
	return took, err
}

// peer is a small program around a library that others use.
func (b *bench) peer(name string, every int) contender {
	return contender{b.peerTitle(name), every, func(h *home) (time.Duration, error) {
		if err := b.built(name); err != nil {
			return 0, err
		}
		return b.says(h, "peer-"+name)
	}}
}

// built tells why a peer's program is not there.
func (b *bench) built(name string) error {
	if why, err := os.ReadFile(filepath.Join(b.bin, "peer-"+name+".failed")); err == nil {
		return fmt.Errorf("it could not be built: %s", strings.TrimSpace(string(why)))
	}
	return nil
}

// peerTitle names a peer with its version, which scripts/bench has taken from its go.mod.
func (b *bench) peerTitle(name string) string {
	title, err := os.ReadFile(filepath.Join(b.bin, "peer-"+name+".version"))
	if err != nil {
		return name
	}
	return strings.TrimSpace(string(title))
}

// tool is one of Debian's programs: they write their output only at their end, so that is what counts.
func (b *bench) tool(name string, every int, command ...string) contender {
	return contender{name, every, func(h *home) (took time.Duration, err error) {
		err = h.in("lan", func() error {
			cmd := exec.Command(command[0], command[1:]...)
			start := time.Now()
			out, err := cmd.CombinedOutput()
			took = time.Since(start)
			if err == nil && !strings.Contains(string(out), "is redirected to") && !strings.Contains(string(out), "Mapped public port 27886") {
				err = errors.New("it did not say that the port is mapped")
			}
			return err
		})
		return took, err
	}}
}

func upnpcArgs(options ...string) []string {
	return append(append([]string{"upnpc"}, options...), "-e", "bench", "-a", "192.168.77.2", "27886", "27886", "udp", "3600")
}

// toLine starts cmd and returns the time until n lines of its output have had want in them. The rest
// of the output is read and thrown away, so that the program does not block on it.
func toLine(cmd *exec.Cmd, output io.Reader, want string, n int) (time.Duration, error) {
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	kill := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() }) // it may just have ended
	defer kill.Stop()
	last := ""
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), want) {
			last = lines.Text()
			continue
		}
		if n--; n == 0 {
			took := time.Since(start)
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return took, nil
		}
	}
	return 0, errors.Join(fmt.Errorf("it ended without saying %q; its last line: %s", strings.TrimSpace(want), last), cmd.Wait())
}
