//go:build !linux

package route

import "errors"

// subscribeClock is for systems that tell of changes of the wall clock to a program without a window.
func subscribeClock() (changes <-chan struct{}, stop func(), err error) {
	return nil, nil, errors.ErrUnsupported
}
