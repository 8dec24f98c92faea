//go:build unix

package service

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onHangup calls reload for every SIGHUP until ctx ends. When the terminal that we were started in
// was closed, the same signal means the end, and it calls stop.
func onHangup(ctx context.Context, reload, stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	started, _ := terminal(os.Stdin)
	handleHangups(ctx, hangups, func() bool {
		is, _ := terminal(os.Stdin) // a terminal that hung up answers no more
		return started && !is
	}, reload, stop)
}

func handleHangups(ctx context.Context, hangups <-chan os.Signal, closed func() bool, reload, stop func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		if closed() {
			stop()
		} else {
			reload()
		}
	}
}
