package service

import (
	"os"

	"golang.org/x/sys/windows"
)

// terminal says whether f is a console, and whether that one shows colours: since Windows 10
// consoles do, once they are told to.
func terminal(f *os.File) (is, colours bool) {
	conn, err := f.SyscallConn()
	if err != nil {
		return false, false
	}
	conn.Control(func(fd uintptr) {
		var mode uint32
		if windows.GetConsoleMode(windows.Handle(fd), &mode) != nil {
			return
		}
		is = true
		mode |= windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
		colours = windows.SetConsoleMode(windows.Handle(fd), mode) == nil
	})
	return is, colours
}

// showsUnicode says whether check marks arrive on f as check marks. Windows Terminal borrows a
// glyph that its font lacks; the old console draws the same box for each, and a pipe into
// PowerShell 5 is read in the old code page.
func showsUnicode(f *os.File) bool {
	is, _ := terminal(f)
	return is && os.Getenv("WT_SESSION") != ""
}
