package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/firewall"
	"github.com/portsitter/portsitter/service/system"
	"github.com/spf13/cobra"
)

const installHelp = `Install Portsitter as a service of this system: from then on the port is kept open after every
start of this PC, whoever is logged in.

  portsitter install

It takes an administrator: put sudo in front, or use a terminal opened with "Run as administrator".
A program that stands in a download folder is copied to a lasting place first. On Windows the port is
let in through the Windows Firewall. It may be repeated: a newer program takes the place of the older
one, and settings and state stay. Take it away again with "portsitter uninstall".

Exit codes: 0 installed and running, 1 not, 2 wrong usage or settings
`

func newInstallCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Install it as a service: it starts with this PC",
		Long:  installHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.install(cmd.Context()) },
	}
}

func (a *app) install(ctx context.Context) error {
	s, err := a.existing(ctx, "install")
	if err != nil {
		return err
	}
	if s.Origin == system.Package {
		return fail(exitNot, "the package manager has installed Portsitter already (%s); to start it: %s", s.Definition, asAdministrator("portsitter start"))
	}
	a.whose = services
	settings, _, err := a.settings()
	if err != nil {
		return err // with wrong settings it would not start
	}
	h, err := a.systemHome()
	if err != nil {
		return fmt.Errorf("the usual places of this system are not known: %w", err)
	}
	from, to, err := h.placeFor(s)
	if err != nil {
		return err
	}
	said := "installed, and running"
	if s.AutoStart && s.Program == to && !s.Outdated && sameFile(from, to) {
		said = "installed already, and running"
	} else if err := a.reinstall(ctx, h, s, from, to); err != nil {
		return err
	}
	blocked := a.openFirewall(ctx, settings, to)
	if err := a.bringUp(ctx, "install"); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Portsitter is %s. It starts with this PC.\n", said)
	a.whereabouts(ctx, h, settings)
	if from != to && said != "installed already, and running" {
		fmt.Fprintf(a.stdout, "The program was copied there; %s is not needed any more.\n", plain(from))
	}
	if s.Program != "" && s.Program != to {
		fmt.Fprintf(a.stdout, "Until now the service ran %s.\n", plain(s.Program))
	}
	if blocked != nil {
		fmt.Fprintf(a.stdout, "The firewall of this PC was not opened: %s\n", plain(blocked.Error()))
	}
	return nil
}

// placeFor is the program that is asked to install itself, and where it is to stand.
func (h home) placeFor(s system.Service) (from, to string, err error) {
	from, err = os.Executable()
	if err == nil {
		from, err = filepath.EvalSymlinks(from)
	}
	if err != nil {
		return "", "", fmt.Errorf("the place of this program is not known: %w", err)
	}
	if h.lasting(from) {
		return from, from, nil
	}
	return from, h.program, nil
}

// reinstall puts the program in its place and makes a service of it, in place of the one before.
func (a *app) reinstall(ctx context.Context, h home, before system.Service, from, to string) error {
	staged, err := stageProgram(from, to)
	if err != nil {
		return err
	}
	defer staged.discard()
	if err := h.make(); err != nil {
		return err
	}
	if before.State != system.Absent {
		if err := a.remove(ctx, before); err != nil {
			return err
		}
	}
	copied := from != to || before.Copied && before.Program == to
	if err = staged.commit(); err == nil {
		if err = a.manager().Install(ctx, to, copied); err != nil {
			err = refused("install", err)
		}
	}
	if err != nil && from != to {
		_, _ = removeProgram(to) // what is left of it does no harm
	}
	return err
}

// remove stops the service, if it runs, and takes it away.
func (a *app) remove(ctx context.Context, s system.Service) error {
	if s.State != system.Stopped {
		// One that has failed cannot be stopped, and need not be.
		if err := a.manager().Stop(ctx); err != nil && s.State == system.Running {
			return refused("stop", err)
		}
	}
	if err := a.manager().Uninstall(ctx); err != nil {
		return refused("uninstall", err)
	}
	return nil
}

// openFirewall lets the ports in where that is done at installation.
func (a *app) openFirewall(ctx context.Context, s configs.Settings, program string) error {
	access := firewall.Access{Program: program, Public: s.Network.PublicProfile}
	for _, p := range s.Ports {
		access.Ports = append(access.Ports, firewall.Port{Transport: p.Transport, Number: p.Port})
	}
	return a.firewall().allow(ctx, access)
}

// doors are what install and uninstall do to the firewall of this PC.
type doors struct {
	allow  func(context.Context, firewall.Access) error
	remove func(context.Context) error
}

func (a *app) firewall() doors {
	if a.doors == nil {
		return doors{allow: firewall.Allow, remove: firewall.Remove}
	}
	return *a.doors
}

// whereabouts says where everything is.
func (a *app) whereabouts(ctx context.Context, h home, settings configs.Settings) {
	s, err := a.manager().Look(ctx)
	if err != nil {
		return
	}
	file := h.settings
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		name := commandName()
		if name != "portsitter" { // not found by the shell: then by where it stands now
			name = quoted(s.Program)
		}
		file += " (not there, the defaults hold; to write it: " + asAdministrator(name+" config init") + ")"
	}
	a.lines(
		[2]string{"Page", pageURL(settings)},
		[2]string{"Settings", file},
		[2]string{"State", h.state},
		[2]string{"Log", orElse(h.logFile(), "portsitter logs")},
		[2]string{"Program", s.Program},
		[2]string{"Service", s.Definition},
	)
}

const uninstallHelp = `Take the service away: the port is closed, and Portsitter does not start with this PC any more.

  portsitter uninstall
  portsitter uninstall --purge

It takes an administrator. What "portsitter install" has put on this PC is removed; settings and state
stay, for the next time.

Flags:
  --purge   remove settings, state and logs of the service, too

Exit codes: 0 taken away, or was not there; 1 not; 2 wrong usage
`

func newUninstallCommand(a *app) *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take the service away",
		Long:  uninstallHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.uninstall(cmd.Context(), purge) },
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "remove settings, state and logs, too")
	return cmd
}

func (a *app) uninstall(ctx context.Context, purge bool) error {
	verb, byPackage := "uninstall", "remove"
	if purge {
		verb, byPackage = "uninstall --purge", "purge"
	}
	s, err := a.existing(ctx, verb)
	if err != nil {
		return err
	}
	if s.Origin == system.Package {
		return fail(exitNot, "the package manager has installed Portsitter, and has to take it away: %s", asAdministrator(packageCommand(byPackage)))
	}
	h, err := a.systemHome()
	if err != nil {
		return fmt.Errorf("the usual places of this system are not known: %w", err)
	}
	if s.State == system.Absent {
		fmt.Fprintln(a.stdout, "Portsitter is not installed as a service.")
		if err := a.firewall().remove(ctx); err != nil { // of an uninstallation that broke off
			a.lines([2]string{"Kept", "rules of the firewall: " + err.Error()})
		}
	} else if err := a.takeAway(ctx, s); err != nil {
		return err
	}
	return a.leftovers(h, purge)
}

// takeAway undoes what install did.
func (a *app) takeAway(ctx context.Context, s system.Service) error {
	if err := a.remove(ctx, s); err != nil {
		return err
	}
	closed := a.firewall().remove(ctx)
	fmt.Fprintln(a.stdout, "Portsitter is stopped and uninstalled. When it stops, it takes its entry out of the router.")
	a.lines([2]string{"Removed", s.Definition})
	if s.Copied {
		switch aside, err := removeProgram(s.Program); {
		case err != nil:
			a.lines([2]string{"Kept", s.Program + " could not be removed: " + err.Error()})
		case aside != "":
			a.lines([2]string{"Removed", s.Program + " (it is running: until Windows starts the next time it lies in " + filepath.Dir(aside) + ")"})
		default:
			a.lines([2]string{"Removed", s.Program})
		}
	} else {
		a.lines([2]string{"Kept", orElse(s.Program, "the program") + ", because `install` did not put it there"})
	}
	if closed != nil {
		a.lines([2]string{"Kept", "rules of the firewall: " + closed.Error()})
	}
	return nil
}

// leftovers tells what stays of the service, or removes it.
func (a *app) leftovers(h home, purge bool) error {
	if purge {
		gone, stayed, err := h.purge()
		for _, folder := range gone {
			a.lines([2]string{"Removed", folder})
		}
		for _, folder := range stayed {
			a.lines([2]string{"Kept", folder + ", because other files are in it"})
		}
		if err != nil {
			return fmt.Errorf("not everything could be removed: %w", err)
		}
		return nil
	}
	os.Remove(filepath.Dir(h.settings)) // an empty one tells nothing
	kept := false
	for _, path := range []string{h.settings, h.state} {
		if _, err := os.Lstat(path); err == nil {
			a.lines([2]string{"Kept", path})
			kept = true
		}
	}
	if kept {
		fmt.Fprintln(a.stdout, "What is kept serves the next installation; `uninstall --purge` removes it.")
	}
	return nil
}
