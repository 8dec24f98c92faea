package service

import "golang.org/x/sys/windows"

// errRefused is what the system says when nobody listens on a port.
const errRefused = windows.WSAECONNREFUSED
