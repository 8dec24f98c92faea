package service

import (
	"log/slog"

	"github.com/portsitter/portsitter/service/system"
)

// noteEnd leaves word of why the service ended by itself: nobody sees the standard error of a service.
func (a *app) noteEnd(err error) {
	handler, closeLog, e := a.serviceHandler("info")
	if e != nil {
		handler, closeLog, e = system.EventLog() // the log file may be what is wrong
	}
	if e != nil {
		return
	}
	defer closeLog()
	slog.New(handler).Error("Portsitter has ended", "error", plain(err.Error()))
}
