package daemon

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file is about what comes from files and goes to files while the loop runs: settings that have
// changed, and what is to survive a restart.

// configure takes over new settings, or reports why they were not taken.
func (d *Daemon) configure(c configured) {
	const prefix = "Settings not taken over: "
	d.notices = withoutPrefix(d.notices, prefix)
	if c.err != nil {
		d.log.Error("settings not taken over; the old ones stay", "error", c.err)
		d.notices = append(d.notices, prefix+c.err.Error())
		return
	}
	if reflect.DeepEqual(c.settings, d.state.settings) {
		return
	}
	d.log.Info("settings taken over", "file", c.settings.Source)
	d.routeRead = time.Time{} // they may name another way out
	d.noticeRestart(c.settings)
	if !reflect.DeepEqual(c.settings.Notify, d.state.settings.Notify) {
		d.forgetReceivers()
	}
	ctx, cancel := context.WithTimeout(d.running, stopWithin) // for all of it: the loop has more to do
	defer cancel()
	again := !reflect.DeepEqual(c.settings.Router.Protocols, d.state.settings.Router.Protocols)
	if again { // what was mapped by a protocol that is not wanted any more goes while it can be said
		for i := range d.state.ports {
			p := &d.state.ports[i]
			if m := p.mapping; m != nil && !slices.Contains(c.settings.Router.Protocols, string(m.Protocol)) {
				d.unmap(ctx, *m)
				p.lose("The settings have changed", d.world.Now())
			}
		}
	}
	public := !reflect.DeepEqual(c.settings.PublicIP, d.state.settings.PublicIP)
	for _, m := range d.state.configure(c.settings) {
		d.unmap(ctx, m)
	}
	if public {
		d.endPublic()
		d.state.askPublicAnew(d.world.Now())
	}
	maps.DeleteFunc(d.state.upstream.clients, func(p portmap.Protocol, _ portmap.Client) bool { return !d.state.mayAskUpstream(p) })
	d.learnContacts()
	if again {
		search := d.state.router.search
		d.state.router = newRouterState()
		d.state.router.search = search + 1
	}
}

// noticeRestart tells which of the new settings count only after a restart.
func (d *Daemon) noticeRestart(s configs.Settings) {
	const prefix = "These settings count after a restart of Portsitter: "
	old, keys := d.state.settings, []string{}
	if old.Log != s.Log {
		keys = append(keys, "[log]")
	}
	if len(keys) > 0 {
		d.notices = append(withoutPrefix(d.notices, prefix), prefix+strings.Join(keys, ", ")+".")
	}
}

// keep hands what has to survive a restart to the disk's goroutine, when it has changed.
func (d *Daemon) keep() {
	if shut := d.state.shutPorts(); !slices.Equal(shut, d.state.memory.Shut) {
		d.state.memory.Shut = shut
	}
	if reflect.DeepEqual(d.saved, d.state.memory) || d.world.Now().Before(d.saveAfter) {
		return
	}
	memory := d.state.memory
	d.saved = memory
	d.toDisk(true, func() error { return d.world.Save(memory) })
}

// toDisk queues work for the disk, about the state or the history; a disk that hangs must not hang
// the loop.
func (d *Daemon) toDisk(state bool, f func() error) {
	report := func() {
		err := f()
		select { // the loop may be waiting for this very queue to empty: then the news are dropped
		case d.inbox <- func() { d.diskSaid(state, err) }:
		default:
		}
	}
	select {
	case d.disk <- report:
	default:
		d.log.Error("not written to disk: it is too slow")
	}
}

// diskSaid keeps a notice for as long as writing fails. What is not written costs a little speed at
// the next start, and lines of the history; the port stays open.
func (d *Daemon) diskSaid(state bool, err error) {
	const prefix = "Not written to disk: "
	if err == nil && !state && d.unsaved {
		return // a line of the history may find room where the state finds none
	}
	d.unsaved = err != nil && (state || d.unsaved)
	before := len(d.notices)
	d.notices = withoutPrefix(d.notices, prefix)
	if err == nil {
		return
	}
	d.saved, d.saveAfter = Memory{}, d.world.Now().Add(saveAgain)
	if before == len(d.notices) {
		d.log.Error("not written to disk", "error", err)
	}
	d.notices = append(d.notices, prefix+err.Error())
}
