//go:build !windows

package service

import "os"

// lastingHint is an example of a lasting folder.
const lastingHint = "/opt, for example"

// replaceProgram puts the program at from in the place of the one at to, which may be running.
func replaceProgram(from, to string) error { return os.Rename(from, to) }

// removeProgram removes the program, which may be the one that runs; aside is for Windows.
func removeProgram(path string) (aside string, err error) { return "", os.Remove(path) }
