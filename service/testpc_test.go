package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/service/system"
)

// onTestPC is one call of the program on the PC of the scripts: see TestScripts.
func onTestPC() *app {
	work := os.Getenv("WORK")
	write := func(file string, words ...any) error {
		return os.WriteFile(filepath.Join(work, file), []byte(fmt.Sprintln(words...)), 0o600)
	}
	return &app{
		stdout: os.Stdout, stderr: os.Stderr,
		serviceMgr: fakeManager{filepath.Join(work, "service.json")},
		homeOf:     func() (home, error) { return testHome(work), nil },
		browse: func(url string) error {
			if os.Getenv("DISPLAY") == "" {
				return errNoBrowser
			}
			return write("browser.txt", url)
		},
		doors: &doors{
			allow: func(_ context.Context, a firewall.Access) error {
				if os.Getenv("FIREWALL") == "policy" {
					return firewall.ErrPolicy
				}
				return write("firewall.txt", a.Ports, filepath.ToSlash(a.Program), a.Public)
			},
			remove: func(context.Context) error { return write("firewall.txt", "removed") },
		},
	}
}

func testHome(work string) home {
	pc := filepath.Join(work, "pc")
	h := home{
		settings: filepath.Join(pc, "etc", "portsitter", settingsName),
		state:    filepath.Join(pc, "var", "lib", "portsitter"),
		program:  filepath.Join(pc, "usr", "local", "bin", "portsitter"),
		lasting:  func(program string) bool { return strings.HasPrefix(program, filepath.Join(pc, "usr")) },
	}
	if runtime.GOOS == "windows" {
		h.program += ".exe"
	}
	if logs := os.Getenv("LOGS"); logs != "" {
		h.logs = logs
	}
	return h
}

// fakeManager is a service manager that keeps its one service in a file.
type fakeManager struct{ file string }

func (f fakeManager) read() system.Service {
	s := system.Service{Manager: "systemd", State: system.Absent}
	if os.Getenv("MANAGER") == "none" {
		s.Manager = ""
	}
	if text, err := os.ReadFile(f.file); err == nil {
		if err := json.Unmarshal(text, &s); err != nil {
			panic(err) // the script is wrong
		}
	}
	return s
}

func (f fakeManager) write(s system.Service) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(f.file, text, 0o600)
}

func (f fakeManager) Installed() bool { return f.read().State != system.Absent }

func (f fakeManager) Allowed() error {
	if os.Getenv("ADMINISTRATOR") == "no" {
		return system.ErrNotPermitted
	}
	return nil
}

func (f fakeManager) Look(context.Context) (system.Service, error) {
	if os.Getenv("MANAGER") == "dumb" {
		return system.Service{}, errors.New("Failed to connect to bus")
	}
	return f.read(), nil
}

func (f fakeManager) Install(_ context.Context, program string, copied bool) error {
	if f.Installed() {
		return errors.New("Init already exists")
	}
	if os.Getenv("MANAGER") == "none" {
		return fmt.Errorf("%w (process 1 is %q)", system.ErrNoManager, "bash")
	}
	return f.write(system.Service{
		Manager: "systemd", State: system.Stopped, Origin: system.Ours, AutoStart: true,
		Definition: "/etc/systemd/system/portsitter.service", Program: program, Copied: copied,
	})
}

func (f fakeManager) Uninstall(context.Context) error {
	if f.read().State == system.Running {
		return errors.New("it runs")
	}
	return os.Remove(f.file)
}

func (f fakeManager) Start(context.Context) error {
	s := f.read()
	if os.Getenv("START") == "fails" {
		s.State, s.Says = system.Failed, "the last run ended with: exit-code"
		return errors.Join(f.write(s), errors.New("exit status 1"))
	}
	s.State = system.Running
	return f.write(s)
}

func (f fakeManager) Stop(context.Context) error {
	s := f.read()
	s.State = system.Stopped
	return f.write(s)
}

func (f fakeManager) Restart(ctx context.Context) error {
	return errors.Join(f.Stop(ctx), f.Start(ctx))
}
