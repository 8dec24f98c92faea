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

// limit is how long a program may take before the bench gives up.
const limit = 30 * time.Second

// The settings ask the lab's internet; nothing here needs an outside check.
const settings = `
[public_ip]
http = ["http://11.77.0.1:8080/"]
stun = ["11.77.0.1:3478"]
[checker]
automatic = false
`

func (b *bench) writeConfig() error {
	b.config = filepath.Join(b.dir, "portsitter.toml")
	return os.WriteFile(b.config, []byte(settings), 0o600)
}

// portsitterFresh is a first start: nothing is known.
func (b *bench) portsitterFresh() (time.Duration, error) {
	state, err := os.MkdirTemp(b.dir, "state-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(state)
	return b.portsitter(state)
}

func (b *bench) portsitter(state string) (time.Duration, error) {
	cmd, took, err := b.start(state)
	if err != nil {
		return 0, err
	}
	return took, stop(cmd)
}

// start returns when the program has logged its first grant.
func (b *bench) start(state string) (*exec.Cmd, time.Duration, error) {
	cmd := exec.Command(filepath.Join(b.bin, "portsitter"), "run",
		"--config", b.config, "--state", state, "--page", "127.0.0.1:27880")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, 0, err
	}
	took, err := toLine(cmd, stderr, " msg=mapped ")
	return cmd, took, err
}

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
	return contender{name: "raw " + args[0], run: func() (time.Duration, error) {
		cmd := exec.Command(filepath.Join(b.bin, "raw"), args...)
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		took, err := toLine(cmd, stdout, "MAPPED")
		if err != nil {
			return 0, err
		}
		return took, cmd.Wait()
	}}
}

// toLine starts cmd and returns the time until a line of its output has want in it. The rest of the
// output is read and thrown away, so that the program does not block on it.
func toLine(cmd *exec.Cmd, output io.Reader, want string) (time.Duration, error) {
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	kill := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() }) // it may just have ended
	defer kill.Stop()
	var before bytes.Buffer
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			took := time.Since(start)
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return took, nil
		}
		fmt.Fprintln(&before, lines.Text())
	}
	return 0, errors.Join(fmt.Errorf("it ended without saying %q:\n%s", want, before.String()), cmd.Wait())
}

// toExit returns the time until a program has ended: the C programs write their output only then.
func toExit(want string, name string, args ...string) (time.Duration, error) {
	cmd := exec.Command(name, args...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err == nil && !strings.Contains(string(out), want) {
		err = fmt.Errorf("it did not say %q", want)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return took, err
}

// upnpcRun maps with upnpc and unmaps with it.
func upnpcRun(options ...string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		args := append(options[:len(options):len(options)], "-e", "bench", "-a", "192.168.77.2", "27886", "27886", "udp", "3600")
		took, err := toExit("is redirected to", "upnpc", args...)
		return took, errors.Join(err, exec.Command("upnpc", "-u", description, "-d", "27886", "udp").Run())
	}
}
