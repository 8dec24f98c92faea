package service

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// systemName is the distribution and the kernel, as os-release(5) and uname(2) tell them.
func systemName() string {
	name := "Linux"
	if f, err := os.Open("/etc/os-release"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(io.LimitReader(f, 64<<10)); lines.Scan(); {
			if value, found := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); found {
				name = cmp.Or(strings.Trim(value, `"'`), name)
			}
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return name
	}
	return name + ", kernel " + unix.ByteSliceToString(u.Release[:])
}
