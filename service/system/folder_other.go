//go:build !windows

package system

func makeFolder(string, Folder) error { return nil }
