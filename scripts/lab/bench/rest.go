//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// atRest prints what the program needs while it has nothing to do but to look after its mapping.
func (b *bench) atRest(period time.Duration) error {
	cmd, _, err := b.start(filepath.Join(b.dir, "rest"))
	if err != nil {
		return err
	}
	proc := fmt.Sprintf("/proc/%d", cmd.Process.Pid)
	before, err := cpuTime(proc)
	if err != nil {
		return err
	}
	time.Sleep(period)
	after, err := cpuTime(proc)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(proc + "/status")
	if err != nil {
		return err
	}
	fmt.Printf("\nAt rest, %v after the mapping\n\n| what | amount |\n|---|---|\n", period)
	for line := range strings.Lines(string(text)) {
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "VmHWM", "VmRSS", "RssAnon", "RssFile", "Threads":
			fmt.Printf("| %s | %s |\n", name, strings.Join(strings.Fields(value), " "))
		}
	}
	fmt.Printf("| processor time | %v |\n", after-before)
	if info, err := os.Stat(filepath.Join(b.bin, "portsitter")); err == nil {
		fmt.Printf("| program file | %d bytes |\n", info.Size())
	}
	return stop(cmd)
}

// cpuTime is the user and system time of a process: fields 14 and 15 of /proc/pid/stat, in ticks of
// 10 ms (proc(5)). The name in field 2 may have blanks, so fields are counted from its end.
func cpuTime(proc string) (time.Duration, error) {
	text, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 13 {
		return 0, fmt.Errorf("%s/stat: %q", proc, text)
	}
	user, err := strconv.Atoi(f[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond, err
}
