//go:build !windows

package service

// asAdministrator says how to run command with the rights of root.
func asAdministrator(command string) string { return "`sudo " + command + "`" }
