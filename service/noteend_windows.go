package service

import (
	"log/slog"
	"time"

	"github.com/portsitter/portsitter/service/system"
)

// noteEnd leaves word of why the service ended by itself: nobody sees the standard error of a service.
func (a *app) noteEnd(err error) {
	reason := plain(err.Error())
	const few = 50
	if h, e := a.systemHome(); e == nil {
		if last, _, e := lastLines(h.logFile(), few); e == nil && notedBefore(last, reason, time.Now()) {
			return
		}
	}
	handler, closeLog, e := a.serviceHandler("info")
	if e != nil {
		handler, closeLog, e = system.EventLog() // the log file may be what is wrong
	}
	if e != nil {
		return
	}
	defer closeLog()
	slog.New(handler).Error(endWords, "error", reason)
}
