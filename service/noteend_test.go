package service

import (
	"testing"
	"time"
)

func TestNotedBefore(t *testing.T) {
	const other = "time=2026-11-20T18:00:01.000Z level=INFO msg=mapped"
	const line = `time=2026-11-20T18:00:00.123+01:00 level=ERROR msg="Portsitter has ended" error="line 2: \"lease\" is wrong"`
	const reason = `line 2: "lease" is wrong`
	at := time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name   string
		lines  []string
		reason string
		now    time.Time
		want   bool
	}{
		{"the same, 5 s ago", []string{line, other}, reason, at.Add(5 * time.Second), true},
		{"in a file of Windows", []string{line + "\r"}, reason, at.Add(5 * time.Second), true},
		{"9 minutes ago", []string{other, line}, reason, at.Add(9 * time.Minute), true},
		{"long ago", []string{line}, reason, at.Add(11 * time.Minute), false},
		{"by a clock that was set back since", []string{line}, reason, at.Add(-time.Hour), false},
		{"another reason", []string{line}, "the state folder cannot be written", at.Add(5 * time.Second), false},
		{"an empty log", nil, reason, at, false},
		{"no log", []string{"", "rubbish", "time=x y"}, reason, at, false},
	} {
		if got := notedBefore(row.lines, row.reason, row.now); got != row.want {
			t.Errorf("%s: %t, want %t", row.name, got, row.want)
		}
	}
}
