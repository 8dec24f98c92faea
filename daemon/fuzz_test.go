package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzStateFile: whatever is in state.json, the program starts, or says that a newer one wrote it;
// and what it made of the file can be written and read again.
func FuzzStateFile(f *testing.F) {
	f.Add([]byte(`{"version":1,"secret":"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b","routers":[{"mac":"aa:bb:cc:dd:ee:ff","gateway":"192.168.1.1","location":"http://192.168.1.1:5000/d.xml","seen":"2026-11-20T18:00:00Z"}],"entries":[{"gateway":"192.168.1.1","protocol":"pcp","transport":"udp","internal":"192.168.1.23:27886","external":27886,"expires":"2026-11-20T19:00:00Z"}],"checks":["2026-11-20T18:00:00Z"]}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte("{\"version\":1,\"secret\":\"00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMemory(data, "state.json")
		if err != nil {
			return // set aside, or of a newer version
		}
		s := newState(testSettings(), m, t0)
		decide(s, t0)
		text, err := json.Marshal(s.memory)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if again, err := decodeMemory(text, ""); err != nil || again.Secret != m.Secret {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

// FuzzHistoryFile: whatever is in history.jsonl, it is read, and the next line is not lost in it.
func FuzzHistoryFile(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-20T18:00:00Z","kind":"verdict","port":"Kaillera P2P","code":"ready","text":"You can host","shut":12}` + "\n"))
	f.Add([]byte(`{"at":"2026-11-20T18:00:00Z","kind":"alive","codes":{"x":"ready"}}` + "\n" + `{"at":"2026-11-20T1`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, historyFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
		st := &Store{dir: dir}
		if err := st.Record(Event{At: t0, Kind: "start", Text: "the next line"}); err != nil {
			t.Fatal(err)
		}
		last := Event{}
		for e := range st.Events {
			last = e
		}
		if last.Text != "the next line" {
			t.Fatalf("the next line is lost; the last is %+v", last)
		}
	})
}
