package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/portsitter/portsitter/configs"
	"github.com/spf13/cobra"
)

const configHelp = `The settings file. Portsitter works without one; write one to change something.

  portsitter config path       where it is read from
  portsitter config init       write one with every key, its default and when to change it
  portsitter config check      is it right, and if not, which line is wrong?
  portsitter config show       the settings as they hold now
  portsitter config password   make the line that gives the page a password

  portsitter config check --config ./new.toml    look at another file than the usual one

A running Portsitter takes over a changed file by itself. A wrong one is reported, and the old
settings stay.

Exit codes: 0 done or right, 1 the file could not be written, 2 the file is wrong or in the way
`

func newConfigCommand(a *app) *cobra.Command {
	verb := func(use, short string, do func() error) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Long: configHelp, Args: noArguments,
			RunE: func(*cobra.Command, []string) error { return do() },
		}
	}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "The settings file: path, init, check, show, password",
		Long:  configHelp,
		Args:  unknownVerb,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		verb("path", "Where the settings are read from", a.configPath),
		verb("init", "Write a settings file to start from", a.configInit),
		verb("check", "Is the settings file right?", a.configCheck),
		verb("show", "The settings as they hold now", a.configShow),
		newPasswordCommand(a),
	)
	return cmd
}

// configPath names the file that is read, or the one that would be if it were there.
func (a *app) configPath() error {
	path, err := a.settingsFile()
	if err != nil {
		return err
	}
	if path == "" {
		if path, err = a.usualSettings(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.stdout, path)
	return err
}

func (a *app) configCheck() error {
	path, err := a.settingsFile()
	if err != nil {
		return err
	}
	s, err := load(path)
	if err != nil {
		return err
	}
	name := path
	if name == "" {
		if name, err = a.usualSettings(); err != nil {
			return err
		}
		name += " is not there, the defaults hold"
	}
	ports := "ports"
	if len(s.Ports) == 1 {
		ports = "port"
	}
	if _, err = fmt.Fprintf(a.stdout, "%s: ok (%d %s)\n", name, len(s.Ports), ports); err != nil {
		return err
	}
	if secret := a.openSecret(s, path); secret != "" {
		_, err = fmt.Fprintf(a.stdout, "But %s.\n", plain(secret))
	}
	return err
}

func (a *app) configShow() error {
	s, path, err := a.settings()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "# %s\n%s", orElse(path, "no settings file: these are the defaults"), s.Encode())
	return err
}

func (a *app) configInit() error {
	path := absolute(a.configFlag)
	if a.configFlag == "" {
		var err error
		if path, err = a.usualSettings(); err != nil {
			return err
		}
	}
	h, err := a.systemHome()
	err = writeNew(path, configs.Template(), err == nil && path == h.settings)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fail(exitUsage, "%s is there already and stays as it is: edit it, or move it away first", path)
	case err != nil:
		return fmt.Errorf("the settings file cannot be written (%w): name another place with --config FILE", err)
	}
	_, err = fmt.Fprintf(a.stdout, "%s is written. It holds the defaults: change what you need, then `portsitter config check`.\n", path)
	return err
}

func (a *app) usualSettings() (string, error) {
	p, err := a.places()
	if err != nil {
		return "", fail(exitUsage, "the usual place of the settings is not known (%w): name a file with --config FILE", err)
	}
	return p.settings, nil
}

// writeNew writes a file that must not be there yet, whole or not at all. A person's own can hold
// secrets and is for that person's eyes; the machine's one is read by the service's own user, whatever
// umask root has.
func writeNew(path string, text []byte, forAll bool) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if forAll {
			if err := os.Chmod(dir, 0o755); err != nil {
				return err
			}
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if forAll {
		err = errors.Join(err, f.Chmod(0o644))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}
