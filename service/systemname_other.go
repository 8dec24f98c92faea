//go:build !linux && !windows

package service

// systemName says nothing more than runtime.GOOS here.
func systemName() string { return "version not known" }
