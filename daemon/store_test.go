package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

func open(t *testing.T, dir string) (*Store, Memory, string) {
	t.Helper()
	st, m, notice, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return st, m, notice
}

func TestStoreKeepsMemory(t *testing.T) {
	dir := t.TempDir()
	st, m, notice := open(t, dir)
	if notice != "" {
		t.Errorf("a first start is nothing to talk about: %s", notice)
	}
	if m.Secret == (Secret{}) {
		t.Error("no secret")
	}
	m = m.withRouter(RouterMemory{MAC: "aa:bb:cc:dd:ee:ff", Gateway: gateway, Location: "http://192.168.1.1:5000/d.xml", Seen: t0})
	m = m.withEntry(OwnEntry{Gateway: gateway, Protocol: portmap.PCP, Transport: portmap.UDP,
		Internal: netip.AddrPortFrom(self, 27886), External: 27886, Expires: t0.Add(time.Hour)})
	if err := st.Save(m); err != nil {
		t.Fatal(err)
	}
	_, again, _ := open(t, dir)
	if !reflect.DeepEqual(again, m) {
		t.Errorf("read back %+v, want %+v", again, m)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDamagedStateIsSetAside(t *testing.T) {
	for name, content := range map[string]string{
		"empty":         "",
		"cut":           `{"version":1,"secret":"00`,
		"not JSON":      "\x00\x00\x00",
		"no version":    `{}`,
		"short secret":  `{"version":1,"secret":"0011"}`,
		"no secret":     `{"version":1}`,
		"huge":          strings.Repeat(" ", maxStateBytes+1),
		"bad address":   `{"version":1,"secret":"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b","routers":[{"gateway":"nowhere"}]}`,
		"another shape": `{"version":1,"secret":"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b","routers":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, stateFile)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, m, notice := open(t, dir)
			if !strings.Contains(notice, path) || m.Secret == (Secret{}) {
				t.Errorf("notice %q, memory %+v", notice, m)
			}
			if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != content {
				t.Errorf("not kept for a look at it: %v", err)
			}
		})
	}
}

// TestStateOfANewerVersionIsLeftAlone: a downgrade changes nothing, whatever the newer form looks like,
// and the way back finds everything.
func TestStateOfANewerVersionIsLeftAlone(t *testing.T) {
	for _, state := range []string{
		`{"version":2,"future":true}`,
		`{"version":2,"secret":{"kind":"new"},"routers":"elsewhere","entries":{"a":1}}`,
		`{"secret":7,"version":1000}`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, stateFile)
		history := filepath.Join(dir, historyFile)
		for name, text := range map[string]string{path: state, history: "{}\n"} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, _, _, err := OpenStore(dir)
		if !errors.As(err, new(newerError)) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "newer Portsitter") {
			t.Errorf("error %v", err)
		}
		if files, _ := os.ReadDir(dir); len(files) != 2 {
			t.Errorf("in the folder now: %v", files)
		}
		for name, text := range map[string]string{path: state, history: "{}\n"} {
			if now, err := os.ReadFile(name); err != nil || string(now) != text {
				t.Errorf("%s is %q now, %v", name, now, err)
			}
		}
	}
}

func TestHistorySurvivesATornLine(t *testing.T) {
	dir := t.TempDir()
	st, _, _ := open(t, dir)
	record := func(text string) {
		t.Helper()
		if err := st.Record(Event{At: t0, Kind: "start", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	record("one")
	path := filepath.Join(dir, historyFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, `{"at":"2026-11-20T18:00`...), 0o600); err != nil {
		t.Fatal(err)
	}
	record("two")
	got := slices.Collect(st.Events)
	if len(got) != 2 || got[0].Text != "one" || got[1].Text != "two" {
		t.Errorf("history %+v", got)
	}
}

func TestHistoryIsRotatedAndBounded(t *testing.T) {
	dir := t.TempDir()
	st, _, _ := open(t, dir)
	long := strings.Repeat("x", 64<<10)
	const n = 16 * (keptHistories + 3)
	for i := range n {
		if err := st.Record(Event{At: t0, Kind: "verdict", Text: fmt.Sprint(i, long)}); err != nil {
			t.Fatal(err)
		}
	}
	var size int64
	files, _ := filepath.Glob(filepath.Join(dir, historyFile+"*"))
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if len(files) != keptHistories+1 || size > (keptHistories+1)*(maxHistory+(128<<10)) {
		t.Errorf("%d files of %d bytes", len(files), size)
	}
	events := slices.Collect(st.Events)
	if last := events[len(events)-1]; !strings.HasPrefix(last.Text, fmt.Sprint(n-1)) {
		t.Errorf("the newest line is %.10q", last.Text)
	}
}

func TestReplaceFileKeepsTheOldOneWhenItFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := ReplaceFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(filepath.Join(dir, "missing", "f"), []byte("new")); err == nil {
		t.Error("writing into a folder that is not there went well")
	}
	if err := os.Mkdir(filepath.Join(dir, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(filepath.Join(dir, "full"), []byte("new")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if data, _ := os.ReadFile(path); string(data) != "old" {
		t.Errorf("content %q", data)
	}
}

func TestNonceIsStableAndItsOwn(t *testing.T) {
	m := Memory{Secret: Secret{1}}
	p := testSettings().Ports[0]
	q := p
	q.Port++
	again := Memory{Secret: Secret{1}}
	if m.Nonce(p) != again.Nonce(p) || m.Nonce(p) == m.Nonce(q) || m.Nonce(p) == (Memory{Secret: Secret{2}}).Nonce(p) {
		t.Error("nonces are not one for each port and secret")
	}
}

func TestMemoryOwnsByHardwareAddress(t *testing.T) {
	e := OwnEntry{MAC: "aa", Gateway: gateway, Transport: portmap.UDP, External: 27886}
	m := Memory{}.withEntry(e)
	for _, row := range []struct {
		mac  string
		gw   netip.Addr
		owns bool
	}{
		{"aa", gateway, true}, {"", gateway, true}, {"bb", gateway, false}, {"", other, false}, {"aa", other, true},
	} {
		if _, owns := m.owns(row.mac, row.gw, portmap.UDP, 27886); owns != row.owns {
			t.Errorf("router %q at %s: owns %t", row.mac, row.gw, owns)
		}
	}
	if _, owns := m.owns("aa", gateway, portmap.TCP, 27886); owns {
		t.Error("owns another transport's port")
	}
	if _, owns := m.without(e).owns("aa", gateway, portmap.UDP, 27886); owns {
		t.Error("still owns what was given up")
	}
}
