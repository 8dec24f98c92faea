//go:build !hangtest || !unix

package service

import "github.com/portsitter/portsitter/daemon"

// hangable leaves the world as it is. Builds with the tag hangtest can be made to hang.
func hangable(w daemon.World) daemon.World { return w }
