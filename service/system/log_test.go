package system

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestJournal(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(Journal(&out, slog.LevelInfo)).With("port", 27886).WithGroup("router")
	log.Debug("not wanted")
	log.Info("mapped", "time", "kept: it is somebody's")
	log.Warn("two\nlines")
	log.Error("gone")
	log.Log(t.Context(), slog.LevelWarn+1, "between")
	const want = `<6>level=INFO msg=mapped port=27886 router.time="kept: it is somebody's"
<4>level=WARN msg="two\nlines" port=27886
<3>level=ERROR msg=gone port=27886
<4>level=WARN+1 msg=between port=27886
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
	out.Reset()
	slog.New(Journal(&out, slog.LevelDebug)).Debug("small")
	if want := "<7>level=DEBUG msg=small\n"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}
