package portmap

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Another program had the port first, on the wildcard address. It lets others have it, too, in the
// way that the test says, and goes on to get its unicast datagrams as well as the group's.
func TestNotifyTakesNothingFromOthers(t *testing.T) {
	for name, option := range map[string]int{"SO_REUSEADDR": unix.SO_REUSEADDR, "SO_REUSEPORT": unix.SO_REUSEPORT} {
		t.Run(name, func(t *testing.T) {
			config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
				c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 1) })
				return err
			}}
			other, err := config.ListenPacket(t.Context(), "udp4", "0.0.0.0:0")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			l := notifyListener(t, localhost)
			l.Ports.SSDPNotify = portOf(other.(*net.UDPConn))
			heard, stop := startEar(t, l, l.notifyEar())
			groupSender(t, localhost, netip.AddrPortFrom(localhost, l.Ports.SSDPNotify))([]byte("for the other"))
			notifier(t, localhost, l)(alive("7"))
			<-heard
			buf := make([]byte, 100)
			other.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, _, err := other.ReadFrom(buf)
			if got := string(buf[:n]); got != "for the other" {
				t.Errorf("the other program got %q, %v", got, err)
			}
			stop()
			if n := l.Dropped(); n != 0 {
				t.Errorf("took %d datagrams that were not for the group", n)
			}
		})
	}
}
