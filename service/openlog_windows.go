package service

import (
	"errors"
	"log/slog"

	"github.com/portsitter/portsitter/service/system"
)

// serviceHandler is the log of the service: everything in its log file, warnings and errors in the
// Event Log, too, where an administrator looks first.
func (a *app) serviceHandler(level string) (slog.Handler, func() error, error) {
	h, err := a.systemHome()
	if err != nil {
		return nil, nil, err
	}
	file, noFile := openLogFile(h.logFile())
	events, closeEvents, noEvents := system.EventLog()
	switch { // one of the two is enough to go on
	case noFile != nil && noEvents != nil:
		return nil, nil, errors.Join(noFile, noEvents)
	case noFile != nil:
		slog.New(events).Error("there is only the Event Log", "error", noFile)
		return events, closeEvents, nil
	case noEvents != nil:
		return newLogger(file, level).Handler(), file.Close, nil
	}
	both := slog.NewMultiHandler(newLogger(file, level).Handler(), events)
	return both, func() error { return errors.Join(file.Close(), closeEvents()) }, nil
}
