package service

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// toJournal says whether f leads to the journal of systemd, as systemd.exec(5) asks to find out:
// JOURNAL_STREAM names the device and inode of the stream, and is inherited by processes whose
// output has been sent elsewhere.
func toJournal(f *os.File) bool {
	stream := os.Getenv("JOURNAL_STREAM")
	if stream == "" {
		return false
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var stat unix.Stat_t
	if e := conn.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) }); e != nil || err != nil {
		return false
	}
	return stream == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
