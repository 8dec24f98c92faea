package service

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/portsitter/portsitter/configs"
)

// openLogFile opens a log file that is set aside when it has grown, so that it never fills a disk:
// the newest and three older ones of 2 MB each stay.
func openLogFile(path string) (io.WriteCloser, error) {
	// lumberjack opens the file with the first line only, when nobody is there to hear the error.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the log file cannot be written: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("the log file cannot be written: %w", err)
	}
	return &lumberjack.Logger{Filename: path, MaxSize: 2, MaxBackups: 3}, nil
}

// openLog is the log that the settings ask for: a file, or where this system collects such lines.
func (a *app) openLog(l configs.Log) (*slog.Logger, func() error, error) {
	if l.File != "" {
		f, err := openLogFile(l.File)
		if err == nil {
			return newLogger(f, l.Level), f.Close, nil
		}
		err = fail(exitUsage, "%w: change file in [log] of the settings", err)
		if a.whose != services {
			return nil, nil, err
		}
		// Nobody is there to read the error, and a log is no reason to keep the port shut.
		l.File = ""
		log, closeLog, e := a.openLog(l)
		if e != nil {
			return nil, nil, e
		}
		log.Error("the log goes where it goes by default", "error", err)
		return log, closeLog, nil
	}
	if a.whose == services {
		handler, closeLog, err := a.serviceHandler(l.Level)
		if err != nil {
			return nil, nil, err
		}
		if handler != nil {
			return slog.New(handler), closeLog, nil
		}
	}
	return newLogger(a.stderr, l.Level), func() error { return nil }, nil
}
