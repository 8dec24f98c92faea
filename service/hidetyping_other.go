//go:build !linux && !windows

package service

import (
	"errors"
	"os"
)

// hideTyping is not known here; terminal never says yes, so nobody asks for it.
func hideTyping(*os.File) (restore func(), err error) {
	return nil, errors.ErrUnsupported
}
