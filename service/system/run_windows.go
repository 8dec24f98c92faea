package system

import (
	"context"
	"os"
	"time"

	"github.com/kardianos/service"
)

// stopPatience is how long Windows waits for us to stop; taking leave of the router takes 3 s at most.
const stopPatience = 20 * time.Second

// BySignals says whether this process is asked to stop by signals. A Windows service is not: it is
// asked by the service manager, and what Go would show as SIGTERM is also sent to every service when
// some user logs off (CTRL_LOGOFF_EVENT, SetConsoleCtrlHandler).
func BySignals() bool { return service.Interactive() }

// Run does work as the service, until the service manager asks it to stop or Windows shuts down;
// ctx of work ends then. When work ends by itself, so does the process, and the service manager
// starts it again. Somebody who calls it from a terminal gets just the work.
func Run(ctx context.Context, work func(context.Context) error) error {
	if service.Interactive() {
		return work(ctx)
	}
	s, err := service.New(&program{parent: context.WithoutCancel(ctx), work: work, ended: make(chan struct{})}, config("", false))
	if err != nil {
		return err
	}
	return s.Run()
}

// program is the work in the shape that kardianos/service wants: Start must not block, and Stop is
// called once, also when Windows shuts down.
type program struct {
	parent context.Context
	work   func(context.Context) error
	cancel context.CancelFunc
	ended  chan struct{}
}

func (p *program) Start(service.Service) error {
	ctx, cancel := context.WithCancel(p.parent)
	p.cancel = cancel
	go func() {
		p.work(ctx) // it has written down what went wrong
		if ctx.Err() == nil {
			os.Exit(1) // kardianos/service cannot be told; to Windows this is a crash
		}
		close(p.ended)
	}()
	return nil
}

// Stop returns no error even when the work hangs: Windows would take that for a failure and start
// the service again, although somebody has asked it to stop.
func (p *program) Stop(service.Service) error {
	p.cancel()
	late := time.NewTimer(stopPatience)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
	}
	return nil
}
