//go:build !linux && !windows

package service

import "os"

// terminal never says yes here: the plain text is right everywhere.
func terminal(*os.File) (is, colours bool) { return false, false }

// showsUnicode never says yes here: ASCII is right everywhere.
func showsUnicode(*os.File) bool { return false }
