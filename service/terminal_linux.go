package service

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal says whether f is a terminal, and whether that one shows colours.
func terminal(f *os.File) (is, colours bool) {
	conn, err := f.SyscallConn()
	if err != nil {
		return false, false
	}
	conn.Control(func(fd uintptr) {
		_, err = unix.IoctlGetTermios(int(fd), unix.TCGETS)
	})
	return err == nil, os.Getenv("TERM") != "dumb"
}

// showsUnicode says whether check marks arrive on f as check marks.
func showsUnicode(f *os.File) bool {
	// The font of the text console has 512 glyphs at most, and no check marks among them.
	if is, _ := terminal(f); is && os.Getenv("TERM") == "linux" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // the first one set decides: locale(7)
		if value := strings.ToLower(os.Getenv(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
