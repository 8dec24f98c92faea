package service

import (
	"bytes"
	"log/slog"
	"strings"
	"time"
)

// endsApart is how long the same end is not noted again: a service that cannot start is started every
// 5 s, and would bury all else.
const endsApart = 10 * time.Minute

// endWords are the words of the line that notes why the service ended.
const endWords = "Portsitter has ended"

// notedBefore reports whether one of the last lines of a log file notes the same end, not long before now.
func notedBefore(lines []string, reason string, now time.Time) bool {
	var line bytes.Buffer
	slog.New(slog.NewTextHandler(&line, nil)).Error(endWords, "error", reason)
	_, text, _ := strings.Cut(strings.TrimSpace(line.String()), " ") // behind the time
	for _, l := range lines {
		stamp, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
		at, err := time.Parse(time.RFC3339, strings.TrimPrefix(stamp, "time="))
		if since := now.Sub(at); err == nil && rest == text && since >= 0 && since < endsApart {
			return true
		}
	}
	return false
}
