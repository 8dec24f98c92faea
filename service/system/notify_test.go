//go:build unix

package system

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	names := map[string]string{"a path": filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		names["an abstract name"] = "@portsitter-test-" + strconv.Itoa(os.Getpid())
	}
	for name, address := range names {
		t.Run(name, func(t *testing.T) {
			systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer systemd.Close()
			t.Setenv("NOTIFY_SOCKET", address)
			for _, state := range []string{"READY=1", "STATUS=You can host: 203.0.113.7:27886", "STOPPING=1\nSTATUS=x"} {
				if err := Notify(state); err != nil {
					t.Fatal(err)
				}
				buffer := make([]byte, 1024)
				n, err := systemd.Read(buffer)
				if got := string(buffer[:n]); err != nil || got != state {
					t.Errorf("heard %q, %v, want %q", got, err, state)
				}
			}
		})
	}
}

func TestNotifyWithoutListener(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Notify("READY=1"); err != nil || Notified() {
		t.Errorf("without systemd: %v, %v", err, Notified())
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	if err := Notify("READY=1"); err == nil || !Notified() {
		t.Error("nobody listens, and nobody minds")
	}
}

func TestWatchdogTimeout(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for name, c := range map[string]struct {
		µs, pid string
		want    time.Duration
	}{
		"ours":               {"60000000", own, time.Minute},
		"anybody's":          {"60000000", "", time.Minute},
		"another process's":  {"60000000", "1", 0},
		"none":               {"", "", 0},
		"nonsense":           {"a minute", own, 0},
		"negative":           {"-1", own, 0},
		"longer than a life": {"9223372036854775807", own, 0},
	} {
		t.Setenv("WATCHDOG_USEC", c.µs)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got := WatchdogTimeout(); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
