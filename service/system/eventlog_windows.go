package system

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/sys/windows/svc/eventlog"
)

// EventLog is the handler for the Event Log of Windows, under the source that installing the service
// made. It takes warnings and errors: the rest is for the log file.
func EventLog() (slog.Handler, func() error, error) {
	log, err := eventlog.Open(Name)
	if err != nil {
		return nil, nil, fmt.Errorf("the Event Log cannot be opened: %w", err)
	}
	return newByLevel(slog.LevelWarn, func(level slog.Level) io.Writer {
		if level >= slog.LevelError {
			return eventWriter(func(text string) error { return log.Error(3, text) })
		}
		return eventWriter(func(text string) error { return log.Warning(2, text) })
	}), log.Close, nil
}

type eventWriter func(string) error

func (w eventWriter) Write(line []byte) (int, error) {
	if err := w(strings.TrimSuffix(string(line), "\n")); err != nil {
		return 0, err
	}
	return len(line), nil
}
