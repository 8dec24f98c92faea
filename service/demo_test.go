package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// freePorts finds a TCP port for the page and a UDP port for the game.
func freePorts(t *testing.T) (page netip.AddrPort, game int) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return l.Addr().(*net.TCPAddr).AddrPort(), c.LocalAddr().(*net.UDPAddr).Port
}

// TestDemoBreaks runs the whole program against the home in software with every fault there is: real
// sockets, the real page, the real checker. Each fault has to show as its own diagnosis, with
// something to do about it.
func TestDemoBreaks(t *testing.T) {
	for _, code := range append([]string{""}, breakable()...) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			page, game := freePorts(t)
			file := filepath.Join(t.TempDir(), "portsitter.toml")
			if err := os.WriteFile(file, fmt.Appendf(nil, "[[port]]\nport = %d\n", game), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			a := &app{stdout: io.Discard, stderr: io.Discard, configFlag: file, pageFlag: page.String()}
			done := make(chan error, 1)
			go func() { done <- a.demo(ctx, code) }()
			want := daemon.Code(orElse(code, string(daemon.CodeReachable)))
			port := pollDemo(t, ctx, page, want)
			if (port.Verdict == daemon.NotReady) != (port.NextStep != "" && port.Address == "") && code != "" && port.Verdict == daemon.NotReady {
				t.Errorf("verdict %s, next step %q, address %q", port.Verdict, port.NextStep, port.Address)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// pollDemo asks until the demo says what it should, and asks for a check where the fault shows only
// then.
func pollDemo(t *testing.T, ctx context.Context, page netip.AddrPort, want daemon.Code) daemon.Port {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last daemon.Port
	asked := false
	for {
		select {
		case <-ctx.Done():
			t.Fatalf("says %s (%s), want %s\n%+v", last.Code, last.Headline, want, last.Steps)
		case <-tick.C:
		}
		status, body, err := askPage(ctx, http.MethodGet, page, "/api/v1/status")
		var s daemon.Status
		if err != nil || status != http.StatusOK || json.Unmarshal(body, &s) != nil || len(s.Ports) != 1 {
			continue
		}
		last = s.Ports[0]
		if last.Code == want {
			return last
		}
		if !asked && last.Code == daemon.CodeReady && (want == daemon.HostStuck || want == daemon.CheckerDown) {
			status, _, err := askPage(ctx, http.MethodPost, page, "/api/v1/check?while_hosting=1")
			asked = err == nil && status == http.StatusAccepted
		}
	}
}

func TestDemoBreakThatIsNotThere(t *testing.T) {
	a := &app{stdout: io.Discard, stderr: io.Discard}
	a.configFlag = filepath.Join(t.TempDir(), "portsitter.toml")
	if err := os.WriteFile(a.configFlag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := a.demo(t.Context(), "carrier-nut")
	if err == nil || report(io.Discard, err) != exitUsage || err.Error() != `--break "carrier-nut": did you mean "carrier-nat"?` {
		t.Errorf("error %v", err)
	}
}

// TestDemoBreakList: all there are, in the order in which the README explains them.
func TestDemoBreakList(t *testing.T) {
	var list strings.Builder
	a := &app{stdout: &list, stderr: io.Discard}
	if err := a.demo(t.Context(), "list"); err != nil {
		t.Fatal(err)
	}
	codes := strings.Fields(list.String())
	if !slices.Equal(codes, breakable()) || len(codes) != len(pcBreaks)+len(simhome.Breakable()) {
		t.Errorf("lists %q", codes)
	}
	readme, last := readmeText(t), 0
	for _, code := range codes {
		at := strings.Index(readme, "\n### "+code+"\n")
		if at <= last {
			t.Errorf("%s is not in the README's order", code)
		}
		last = at
	}
}

// TestDemoSaysWhatToDo: a fault that shows only after a check says so, where the person looks.
func TestDemoSaysWhatToDo(t *testing.T) {
	for _, code := range breakable() {
		hint := strings.Join(breakHints(code), "")
		if after := code == "host-stuck" || code == "checker-down"; strings.Contains(hint, "Check from outside") != after {
			t.Errorf("%s: %q", code, hint)
		}
	}
}

// TestWorldsAreWhole: the loop calls every function of its world without asking whether it is there.
func TestWorldsAreWhole(t *testing.T) {
	for name, world := range map[string]daemon.World{
		"real": realWorld(&daemon.Store{}, slog.Default()),
		"demo": demoWorld(simhome.New(simhome.Options{}), &simhome.Servers{}, &daemon.Store{}),
	} {
		v := reflect.ValueOf(world)
		for i := range v.NumField() {
			if v.Field(i).IsNil() {
				t.Errorf("%s world: no %s", name, v.Type().Field(i).Name)
			}
		}
	}
}
