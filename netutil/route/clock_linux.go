package route

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// subscribeClock listens for changes of the wall clock: it was set, or went on while the PC was asleep
// (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). The channel has room for one, and is closed when no
// more will come. stop ends it and waits for that.
func subscribeClock() (changes <-chan struct{}, stop func(), err error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, nil, os.NewSyscallError("timerfd", err)
	}
	far := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32}} // the time itself does not matter
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &far, nil); err != nil {
		unix.Close(fd)
		return nil, nil, os.NewSyscallError("timerfd", err)
	}
	file := os.NewFile(uintptr(fd), "timerfd")
	out, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		for {
			_, err := file.Read(make([]byte, 8))
			switch {
			case err == nil: // the far time has come
				continue
			case !errors.Is(err, unix.ECANCELED):
				return
			}
			select {
			case out <- struct{}{}:
			default: // one is waiting already
			}
		}
	}()
	return out, func() { file.Close(); <-done }, nil
}
