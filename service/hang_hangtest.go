//go:build hangtest && unix

package service

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/route"
)

// hangable is for the test of the service manager's watchdog: after SIGUSR1 the loop hangs for good
// the next time it reads the routes.
func hangable(w daemon.World) daemon.World {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	read := w.Route
	w.Route = func(ctx context.Context, n configs.Network) (route.Report, error) {
		select {
		case <-asked:
			select {}
		default:
		}
		return read(ctx, n)
	}
	return w
}
