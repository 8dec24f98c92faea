//go:build lab && linux

package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// release is what people download of one version.
type release struct{ version, deb, tarball string }

// packages makes a release for this PC's system, with the project's own script.
func packages(t *testing.T, version string) release {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("../package", version, dir)
	cmd.Env = append(os.Environ(), "SYSTEMS=linux/"+runtime.GOARCH)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	one := func(pattern string) string {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) != 1 {
			t.Fatalf("%s in what scripts/package has made: %v, %v", pattern, files, err)
		}
		return files[0]
	}
	return release{version, one("*.deb"), one("*.tar.gz")}
}

// The program from the archive installs itself, and takes itself away again.
func TestSystemdInstall(t *testing.T) {
	t.Parallel()
	r := packages(t, "0.9.3")
	h := newHome(t)
	m := h.powerOn()
	before := m.files()
	m.put(r.tarball, "/root/portsitter.tar.gz")
	m.run("tar", "-C", "/root", "-xzf", "/root/portsitter.tar.gz")
	own := m.run("find", "/root", "-name", "portsitter", "-type", "f", "-perm", "/100")

	out := m.run(own, "install")
	for _, want := range []string{"It starts with this PC", "http://", "/etc/systemd/system/portsitter.service"} {
		if !strings.Contains(out, want) {
			t.Errorf("install does not say %q:\n%s", want, out)
		}
	}
	m.reachable(time.Now())
	if out := m.run(own, "install"); !strings.Contains(out, "already") {
		t.Errorf("a second install says:\n%s", out)
	}
	start := time.Now()
	m.order("reboot")
	m.say("after a reboot open again within %v", m.reachable(start))

	for _, verb := range []string{"stop", "stop", "start", "start", "restart"} {
		m.run(own, verb)
	}
	m.reachable(time.Now())
	if out, err := m.try("setpriv", "--reuid=65534", "--clear-groups", own, "stop"); err == nil || !strings.Contains(out, "sudo") {
		t.Errorf("to somebody who may not, stop says: %s, %v", out, err)
	}
	m.run(own, "uninstall", "--purge")
	m.traceless(before)
}
