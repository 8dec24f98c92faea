package service

import (
	"context"
	"log/slog"
	"reflect"
	"sync"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/daemon/web"
)

// pageServer serves the page as the settings say, and anew when they change: a password that was
// changed because somebody knows it must not go on opening the page.
type pageServer struct {
	d       *daemon.Daemon
	log     *slog.Logger
	support func(configs.Settings) daemon.Support // of a support text; nil: nothing
	changes chan configs.Settings                 // 1 slot: the newest
}

// pageNotice is what the notice is about that says why the page is not served where it should be.
const pageNotice = "Page"

func newPageServer(d *daemon.Daemon, settings configs.Settings, log *slog.Logger) *pageServer {
	p := &pageServer{d: d, log: log, changes: make(chan configs.Settings, 1)}
	p.change(settings)
	return p
}

// change hands in settings. It never blocks.
func (p *pageServer) change(s configs.Settings) {
	for {
		select {
		case p.changes <- s:
			return
		default:
		}
		select {
		case <-p.changes: // replaced by the newer ones
		default:
		}
	}
}

// run serves until ctx ends.
func (p *pageServer) run(ctx context.Context) {
	var served configs.Page
	var serving sync.WaitGroup
	stop := func() {}
	for first := true; ; {
		select {
		case <-ctx.Done():
			stop()
			serving.Wait()
			return
		case s := <-p.changes:
			if !first && reflect.DeepEqual(served, s.Page) {
				continue
			}
			first, served = false, s.Page
			stop()
			serving.Wait() // the new page may want the same address
			var serve context.Context
			serve, stop = context.WithCancel(ctx)
			p.d.Notice(serve, pageNotice, "") // what was wrong with the old settings' addresses
			o := p.options(s)
			o.Notice = func(text string) { p.d.Notice(serve, pageNotice, text) }
			page := web.New(p.d, o)
			serving.Go(func() { page.Run(serve) })
		}
	}
}

func (p *pageServer) options(s configs.Settings) web.Options {
	st := p.d.Status()
	o := web.Options{
		Listen: s.Page.Listen, Hosts: s.Page.Hosts, HideAddress: s.Page.HideAddress,
		Version: st.Version, Demo: st.Demo, Log: p.log,
	}
	if p.support != nil {
		o.Support = func() daemon.Support { return p.support(s) }
	}
	if hash := s.Page.Password; hash != "" {
		o.Password = func(password string) bool { return configs.PasswordMatches(hash, password) }
	}
	return o
}
