package daemon

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/notify"
)

// This file sends the news, beside the loop: a receiver that is slow or gone costs the loop nothing.

// tellPeople tells the receivers of the settings what has settled, when it is time, and those that
// could not be reached again. It returns when it wants to be called next; the zero time: any time.
func (d *Daemon) tellPeople(now time.Time) time.Time {
	n, to := &d.news, d.state.settings.Notify
	if len(to.Command) == 0 && len(to.Webhooks) == 0 || d.state.stopped {
		return time.Time{}
	}
	status := d.Status()
	told := d.state.memory.Told
	n.clockSet(now)
	n.watch(told, facts(status), now)
	if n.running {
		return time.Time{}
	}
	due := n.due()
	if !due.IsZero() && !due.After(now) {
		settled := n.settled(now)
		n.sent = append(n.sent, now)
		n.sent = n.sent[max(len(n.sent)-newsAnHour, 0):]
		d.deliver(to, newsOf(status, told, settled), settled)
		return time.Time{}
	}
	if n.again.IsZero() {
		return due
	}
	if !n.again.After(now) {
		d.deliver(n.left, newsOf(status, nil, told), nil)
		return time.Time{}
	}
	if due.IsZero() || n.again.Before(due) {
		return n.again
	}
	return due
}

// deliver sends news to receivers beside the loop. Only once they have arrived, or have been given
// up, are they written down as told: a crash meanwhile tells twice rather than never.
func (d *Daemon) deliver(to configs.Notify, news notify.News, settled []Told) {
	d.news.running = true
	d.job(d.running, func(ctx context.Context) {
		results := d.world.Notify(ctx, to, news)
		d.tell(ctx, func() { d.learnDelivery(to, settled, results) })
	})
}

// learnDelivery takes in what became of a round of news.
func (d *Daemon) learnDelivery(to configs.Notify, settled []Told, results []notify.Result) {
	const prefix = "Not told: "
	n := &d.news
	n.running, n.left, n.again = false, configs.Notify{}, time.Time{}
	d.notices = withoutPrefix(d.notices, prefix)
	var wait time.Duration
	for _, r := range results {
		if r.Err == nil {
			d.log.Info("told", "receiver", r.Receiver)
			continue
		}
		d.log.Warn("not told", "receiver", r.Receiver, "error", r.Err)
		d.notices = append(d.notices, prefix+r.Receiver+": "+r.Err.Error())
		var f *notify.Failure
		if errors.As(r.Err, &f) && f.Final {
			continue
		}
		if f != nil {
			wait = max(wait, min(f.Retry, 24*time.Hour))
		}
		n.left = d.stillWanted(n.left, to, r.Index)
	}
	if len(settled) > 0 {
		told := after(d.state.memory.Told, settled)
		d.state.memory.Told = slices.DeleteFunc(told, func(t Told) bool { return t.Port != "" && d.state.portNamed(t.Port) < 0 })
	}
	if reflect.DeepEqual(n.left, configs.Notify{}) {
		n.failures = 0
		return
	}
	n.failures++
	pause := doubling(newsAgain, n.failures, 6*time.Hour)
	n.again = d.world.Now().Add(max(wait, pause/2+time.Duration(d.world.Rand()*float64(pause/2))))
}

// stillWanted adds the receiver of a result to left, if the settings still name it.
func (d *Daemon) stillWanted(left, to configs.Notify, index int) configs.Notify {
	now := d.state.settings.Notify
	switch {
	case index < 0 && slices.Equal(now.Command, to.Command):
		left.Command = to.Command
	case index >= 0 && index < len(to.Webhooks) && slices.Contains(now.Webhooks, to.Webhooks[index]):
		left.Webhooks = append(left.Webhooks, to.Webhooks[index])
	}
	return left
}

// forgetReceivers drops what is planned for receivers that the settings do not name any more.
func (d *Daemon) forgetReceivers() {
	n := &d.news
	n.left, n.again, n.failures = configs.Notify{}, time.Time{}, 0
	d.notices = withoutPrefix(d.notices, "Not told: ")
}
