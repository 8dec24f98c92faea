package service

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
)

// settingsLookEvery is how often the settings file is looked at for changes.
const settingsLookEvery = 10 * time.Second

// run keeps the ports of the settings open until ctx ends.
func (a *app) run(ctx context.Context) error {
	settings, path, wrong := a.settings()
	if wrong != nil && a.whose != services {
		return wrong
	}
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	if wrong != nil {
		if settings, err = lastGood(dir); err != nil {
			return wrong
		}
	}
	release, err := acquire(dir, Holder{PID: os.Getpid(), Page: pageURL(settings)})
	if err != nil {
		return err
	}
	defer release()
	log, closeLog, err := a.openLog(settings.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	store, memory, notice, err := daemon.OpenStore(dir)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d := daemon.New(daemon.Options{
		Settings: settings, World: hangable(realWorld(store, log)), Memory: memory, Past: store.Events,
		Notices: notices(notice), Version: buildVersion(), Log: log,
	})
	page := newPageServer(d, settings, log)
	page.support = a.pageSupport
	r := &reloader{a: a, d: d, page: page, log: log, path: path, dir: dir, stop: stop}
	if wrong == nil {
		r.first = &settings
	} else {
		d.Configure(settings, wrong)
	}
	return serve(ctx, d, page, log, r.run, telling(d, log), slim)
}

// notices are what a person should know from the start.
func notices(notice string) []string {
	if notice == "" {
		return nil
	}
	return []string{notice}
}

// serve runs the loop, and beside it the page and what else there is, until ctx ends or the loop
// dies. The page comes second: a page address that is taken must not keep the port shut.
func serve(ctx context.Context, d *daemon.Daemon, page *pageServer, log *slog.Logger, beside ...func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, notice := range d.Status().Notices {
		log.Warn(notice)
	}
	var others sync.WaitGroup
	looked, leave := context.WithCancel(context.WithoutCancel(ctx)) // the page shows the end, too
	defer leave()
	others.Go(func() { page.run(looked) })
	for _, f := range beside {
		others.Go(func() { f(ctx) })
	}
	err := d.Run(ctx)
	cancel()
	leave()
	others.Wait()
	return err
}

// reloader takes over changed settings: on SIGHUP, and when the file changes. It stops everything
// when the terminal that we run in is closed.
type reloader struct {
	a    *app
	d    *daemon.Daemon
	page *pageServer
	log  *slog.Logger

	path  string            // of the settings file; "" when there was none
	first *configs.Settings // what was in it at the start; nil: it was wrong
	dir   string            // the state folder
	stop  func()
}

func (r *reloader) run(ctx context.Context) {
	if r.first != nil {
		r.taken(ctx, *r.first, r.path)
	}
	path := r.path
	if path == "" { // it may be written while we run
		path, _ = r.a.usualSettings()
	}
	reload := func() {
		settings, from, err := r.a.settings()
		r.d.Configure(settings, err)
		if err == nil {
			r.page.change(settings)
			r.taken(ctx, settings, from)
		}
	}
	var both sync.WaitGroup
	both.Go(func() { onHangup(ctx, reload, r.stop) })
	if path != "" {
		both.Go(func() { watchFile(ctx, path, settingsLookEvery, reload) })
	}
	both.Wait()
}

// secretNotice is what the notice is about that a secret can be read by others.
const secretNotice = "Settings"

// taken does what there is to do after settings from the file at path were found good.
func (r *reloader) taken(ctx context.Context, s configs.Settings, path string) {
	if r.a.whose == services {
		keepLastGood(r.dir, path)
	}
	secret := r.a.openSecret(s, path)
	if secret != "" {
		r.log.Warn(secret)
	}
	r.d.Notice(ctx, secretNotice, secret)
}

// pageURL is where the page is served on this PC, "" for nowhere.
func pageURL(s configs.Settings) string {
	page, served := pageOf(s.Page)
	if !served {
		return ""
	}
	return fmt.Sprintf("http://%s", page)
}
