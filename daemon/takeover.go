package daemon

import (
	"context"
	"fmt"
)

// This file takes the external port over from another device, which only a person may ask for.

// NotHeldError says that there is nothing to take over.
type NotHeldError struct {
	Port     string // its name in the settings
	External uint16
}

func (e *NotHeldError) Error() string {
	return fmt.Sprintf("no other device holds port %d (%q), so there is nothing to take over", e.External, e.Port)
}

// TakeOver removes another device's entry for the external port of a port ("" is not allowed: it has
// to be named) and puts ours there. What came of it is in the Status.
func (d *Daemon) TakeOver(ctx context.Context, port string) (err error) {
	done := make(chan struct{})
	d.tell(ctx, func() {
		defer close(done)
		i := -1
		if port != "" {
			i = d.state.portNamed(port)
		}
		if i < 0 {
			err = &NoPortError{port}
			return
		}
		p := &d.state.ports[i]
		switch {
		case !d.state.holder(p).IsValid():
			err = &NotHeldError{port, p.port.ExternalPort}
		case p.mapping != nil && d.hostedNow(i): // moving the mapping would end the match
			err = &HostingError{p.holderWords()}
		default:
			p.takeover = true
		}
	})
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeOver does what a person asked for: the entry of another PC goes, ours comes.
func (d *Daemon) takeOver(ctx context.Context, i int) {
	p := &d.state.ports[i]
	p.takeover = false
	who := addrText(d.state.holder(p))
	if err := d.removeEntry(ctx, i, p.port.ExternalPort); err != nil {
		d.log.Warn("could not take the port over", "port", p.port.Name, "external", p.port.ExternalPort, "from", who, "error", err)
		p.takeoverErr = fmt.Errorf("taking port %d over from %s did not work: %w", p.port.ExternalPort, who, err)
		return
	}
	p.takeoverErr = nil
	d.log.Info("taken over, as asked", "port", p.port.Name, "external", p.port.ExternalPort, "from", who)
	d.release(ctx, i)
}

// takeoverWords says what has become of a take-over that a person asked for, when it did not work.
func (p *portState) takeoverWords() string {
	if p.takeoverErr == nil {
		return ""
	}
	words := p.takeoverErr.Error()
	return upper(words[:1]) + words[1:] + "."
}
