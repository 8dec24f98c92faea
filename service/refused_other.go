//go:build !windows

package service

import "syscall"

// errRefused is what the system says when nobody listens on a port.
const errRefused = syscall.ECONNREFUSED
