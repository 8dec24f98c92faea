//go:build unix

package service

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestHangups(t *testing.T) {
	for name, c := range map[string]struct {
		closed         bool
		reloads, stops int
	}{
		"somebody asks to read the settings": {closed: false, reloads: 2},
		"the terminal was closed":            {closed: true, stops: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				hangups := make(chan os.Signal)
				reloads, stops := 0, 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					handleHangups(ctx, hangups, func() bool { return c.closed }, func() { reloads++ }, func() { stops++ })
				}()
				hangups <- syscall.SIGHUP
				hangups <- syscall.SIGHUP
				synctest.Wait()
				cancel()
				<-done
				if reloads != c.reloads || stops != c.stops {
					t.Errorf("%d reloads and %d stops, want %d and %d", reloads, stops, c.reloads, c.stops)
				}
			})
		})
	}
}

// The real signal arrives, and with a standard input that never was a terminal it means reload, not stop.
func TestHangupIsHeard(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reloaded := make(chan struct{}, 1)
	done := make(chan struct{})
	// A SIGHUP that comes before onHangup listens must not end the test.
	sent := make(chan os.Signal, 1)
	signal.Notify(sent, syscall.SIGHUP)
	defer signal.Stop(sent)
	go func() {
		defer close(done)
		onHangup(ctx, func() {
			select {
			case reloaded <- struct{}{}:
			default:
			}
		}, cancel)
	}()
	for heard := false; !heard; {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-sent
		select {
		case <-reloaded:
			heard = true
		default:
		}
	}
	cancel()
	<-done
}

func TestUntilStopped(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		ctx, stop := untilStopped(t.Context())
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		stop()
		if t.Context().Err() != nil {
			t.Errorf("%v ends more than it should", s)
		}
	}
}
