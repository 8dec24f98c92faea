package system

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Notify tells systemd how the service is, by the protocol of sd_notify(3): lines like READY=1,
// STATUS=…, WATCHDOG=1. Without systemd it does nothing.
func Notify(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// A leading '@' is an abstract name; the net package knows that, too.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("systemd cannot be told %q: %w", state, err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("systemd cannot be told %q: %w", state, err)
	}
	return nil
}

// ended stands before the reason in the status text of a service that has ended by itself; systemd
// keeps the text until it starts it again.
const ended = "Ended: "

// NotifyEnd tells systemd why the service ends by itself.
func NotifyEnd(why string) error { return Notify("STATUS=" + ended + why) }

// Notified says whether somebody listens to Notify.
func Notified() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// WatchdogTimeout is how long systemd waits for WATCHDOG=1 before it kills this process; 0 when it
// does not (sd_watchdog_enabled(3)).
func WatchdogTimeout() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0 // meant for another process of the same service
	}
	const longest = 1 << 40 // microseconds, 12 days: what is longer is no watchdog
	µs, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || µs <= 0 || µs > longest {
		return 0
	}
	return time.Duration(µs) * time.Microsecond
}
