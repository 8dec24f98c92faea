//go:build !windows

package service

import "github.com/portsitter/portsitter/service/system"

// noteEnd leaves word of why the service ended by itself where the service manager shows it.
func (a *app) noteEnd(err error) {
	// What cannot be told is on standard error anyway.
	_ = system.NotifyEnd(plain(err.Error()))
}
