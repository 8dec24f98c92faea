//go:build !windows

package service

// doubleClicked is about Windows: elsewhere programs without arguments are called from terminals.
func (a *app) doubleClicked([]string) (done bool, code int) { return false, 0 }
