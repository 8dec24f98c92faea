package service

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/daemon/web"
)

// settingsLookEvery is how often the settings file is looked at for changes.
const settingsLookEvery = 10 * time.Second

// run keeps the ports of the settings open until ctx ends.
func (a *app) run(ctx context.Context) error {
	settings, path, err := a.settings()
	if err != nil {
		return err
	}
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	release, err := acquire(dir, Holder{PID: os.Getpid(), Page: pageURL(settings)})
	if err != nil {
		return err
	}
	defer release()
	w, closeLog, err := a.logWriter(settings.Log.File)
	if err != nil {
		return err
	}
	defer closeLog()
	log := newLogger(w, settings.Log.Level)
	store, memory, notice, err := daemon.OpenStore(dir)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d := daemon.New(daemon.Options{
		Settings: settings, World: realWorld(store, log), Memory: memory, Past: store.Events,
		Notices: notices(notice, settings), Version: buildVersion(), Log: log,
	})
	return serve(ctx, d, settings, log, a.reloading(d, path, stop))
}

// notices are what a person should know from the start.
func notices(notice string, settings configs.Settings) []string {
	var out []string
	if notice != "" {
		out = append(out, notice)
	}
	if later := settings.NotYet(); len(later) > 0 {
		out = append(out, "These settings are read but do nothing yet: "+strings.Join(later, ", ")+".")
	}
	return out
}

// serve runs the loop, and beside it the page and what else there is, until ctx ends or the loop
// dies. The page comes second: a page address that is taken must not keep the port shut.
func serve(ctx context.Context, d *daemon.Daemon, settings configs.Settings, log *slog.Logger, beside ...func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, notice := range d.Status().Notices {
		log.Warn(notice)
	}
	page := web.New(d, web.Options{
		Listen: settings.Page.Listen, Hosts: settings.Page.Hosts, HideAddress: settings.Page.HideAddress,
		Version: d.Status().Version, Demo: d.Status().Demo, Log: log,
	})
	var others sync.WaitGroup
	others.Go(func() {
		if err := page.Run(ctx); err != nil {
			log.Error("no page", "error", err)
		}
	})
	for _, f := range beside {
		others.Go(func() { f(ctx) })
	}
	err := d.Run(ctx)
	cancel()
	others.Wait()
	return err
}

// reloading takes over changed settings: on SIGHUP, and when the file changes. It stops everything
// when the terminal that we run in is closed.
func (a *app) reloading(d *daemon.Daemon, path string, stop func()) func(context.Context) {
	if path == "" { // it may be written while we run
		path, _ = usualSettings()
	}
	return func(ctx context.Context) {
		reload := func() {
			settings, _, err := a.settings()
			d.Configure(settings, err)
		}
		var both sync.WaitGroup
		both.Go(func() { onHangup(ctx, reload, stop) })
		if path != "" {
			both.Go(func() { watchFile(ctx, path, settingsLookEvery, reload) })
		}
		both.Wait()
	}
}

// logWriter opens the log file of the settings; "" is standard error.
func (a *app) logWriter(path string) (io.Writer, func() error, error) {
	if path == "" {
		return a.stderr, func() error { return nil }, nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fail(exitUsage, "the log file cannot be written (%w): change file in [log] of the settings", err)
	}
	return f, f.Close, nil
}

// pageURL is where the page is served on this PC, "" for nowhere.
func pageURL(s configs.Settings) string {
	page, served := pageOf(s.Page)
	if !served {
		return ""
	}
	return fmt.Sprintf("http://%s", page)
}
