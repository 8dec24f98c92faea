package daemon

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// crashFolder is set for the process that is killed: it writes into that folder for as long as it
// lives.
const crashFolder = "PORTSITTER_CRASH_TEST"

// writeUntilKilled saves and records without a pause, and prints a number when a round is on disk.
func writeUntilKilled(dir string) int {
	st, m, notice, err := OpenStore(dir)
	if err != nil || notice != "" {
		fmt.Println("cannot begin:", notice, err)
		return 1
	}
	round := 0
	if len(m.Routers) > 0 {
		round, _ = strconv.Atoi(m.Routers[0].Location)
	}
	for {
		round++
		m = m.withRouter(RouterMemory{MAC: "aa:bb:cc:dd:ee:ff", Gateway: gateway, Location: strconv.Itoa(round), Seen: t0})
		m = m.withEntry(OwnEntry{MAC: "aa:bb:cc:dd:ee:ff", Gateway: gateway, Protocol: portmap.PCP, Transport: portmap.UDP,
			External: 27886, Expires: t0.Add(time.Duration(round) * time.Hour)})
		if err := st.Record(Event{At: t0, Kind: "verdict", Text: fmt.Sprintf("%d %s", round, strings.Repeat("x", rand.IntN(3000)))}); err != nil {
			fmt.Println("history:", err)
			return 1
		}
		if err := st.Save(m); err != nil {
			fmt.Println("state:", err)
			return 1
		}
		fmt.Println(round)
	}
}

// TestKilledWhileWriting: the process is killed 200 times at any moment of its writing. What was
// there before is there afterwards, whole; the history loses at most the line that was under way.
func TestKilledWhileWriting(t *testing.T) {
	const kills = 200
	dir := t.TempDir()
	var secret Secret
	for kill := range kills {
		reached := killedAfter(t, dir, time.Duration(rand.IntN(5000))*time.Microsecond)
		_, m, notice, err := OpenStore(dir)
		if err != nil || notice != "" || len(m.Routers) != 1 || len(m.Entries) != 1 {
			t.Fatalf("kill %d: %q %v %+v", kill, notice, err, m)
		}
		if secret == (Secret{}) {
			secret = m.Secret
		}
		saved, _ := strconv.Atoi(m.Routers[0].Location)
		if saved < reached || saved > reached+1 || m.Secret != secret {
			t.Fatalf("kill %d: round %d was on disk, state.json is of round %d", kill, reached, saved)
		}
		last := 0
		(&Store{dir}).Events(func(e Event) bool {
			number, rest, _ := strings.Cut(e.Text, " ")
			last, _ = strconv.Atoi(number)
			if strings.Trim(rest, "x") != "" {
				t.Fatalf("kill %d: a line of the history is damaged: %q", kill, e.Text)
			}
			return true
		})
		if last < reached {
			t.Fatalf("kill %d: round %d was on disk, the history ends with %d", kill, reached, last)
		}
	}
	leftovers(t, dir, kills)
}

// killedAfter starts a process that writes, lets it write for a moment, kills it, and tells the last
// round that it said was on disk.
func killedAfter(t *testing.T, dir string, moment time.Duration) (reached int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashFolder+"="+dir)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		if reached, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("%s %s", lines.Text(), complaint.String())
		}
		if timer == nil { // it writes now
			timer = time.AfterFunc(moment, func() { cmd.Process.Kill() })
		}
	}
	if timer == nil {
		t.Fatalf("it has not written anything: %s", complaint.String())
	}
	cmd.Wait() // it was killed
	return reached
}

// leftovers: a kill between writing and renaming leaves a file behind. They must not pile up.
func leftovers(t *testing.T, dir string, kills int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files after %d kills", len(files), kills)
	if len(files) > 5 { // state, history, and one that is under way
		t.Errorf("%d files are left behind by %d kills", len(files), kills)
	}
}
