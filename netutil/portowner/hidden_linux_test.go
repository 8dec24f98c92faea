package portowner

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Without privileges the socket of another user is seen, its owner is not.
func TestRealHiddenOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("LEFT OUT: needs root, to ask as another user")
	}
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const nobody = 65534
	cmd := exec.Command("/proc/self/exe") // by its path the other user could not reach it
	cmd.Dir = "/"
	cmd.Env = []string{playAsk + "=" + c.LocalAddr().String(), "GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	want := "true <nil> [" + Holder{Addr: at(c.LocalAddr().String())}.String() + "] <nil>"
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}
