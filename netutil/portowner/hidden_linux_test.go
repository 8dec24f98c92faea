package portowner

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Without privileges the socket of another user is seen, its owner is not. Root asks as nobody; anybody
// else asks about a process that has closed itself to others, as programs with another user's rights are.
func TestRealHiddenOwner(t *testing.T) {
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cmd := exec.Command("/proc/self/exe") // by its path the other user could not reach it
	cmd.Dir = "/"
	cmd.Env = []string{playAsk + "=" + c.LocalAddr().String(), "GORACE=atexit_sleep_ms=0"}
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	} else {
		setDumpable(t, 0)
		defer setDumpable(t, 1)
	}
	out, err := cmd.CombinedOutput()
	want := "true <nil> [" + Holder{Addr: at(c.LocalAddr().String())}.String() + "] <nil>"
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// setDumpable says with 0 that other processes may not look into this one (PR_SET_DUMPABLE(2const)).
func setDumpable(t *testing.T, dumpable uintptr) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, dumpable, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
}
