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

// usage is what a process has used since its start, and what it holds now.
type usage struct {
	rss, peak  int64 // KiB
	anon       int64 // KiB of rss that belong to it alone, not to files
	threads    int64
	cpu        time.Duration
	voluntary  int64 // context switches: it waited, and was woken
	forced     int64
	storage    int64 // bytes sent to the storage layer
	writeCalls int64
}

// usageOf reads /proc (proc(5)).
func usageOf(pid int) (usage, error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	status, err := values(dir + "/status")
	if err != nil {
		return usage{}, err
	}
	io, err := values(dir + "/io")
	if err != nil {
		return usage{}, err
	}
	u := usage{rss: status["VmRSS"], peak: status["VmHWM"], anon: status["RssAnon"], threads: status["Threads"],
		storage: io["write_bytes"], writeCalls: io["syscw"]}
	tasks, err := filepath.Glob(dir + "/task/*")
	if err != nil {
		return usage{}, err
	}
	for _, t := range tasks {
		if v, err := values(t + "/status"); err == nil { // else the thread has just ended
			u.voluntary += v["voluntary_ctxt_switches"]
			u.forced += v["nonvoluntary_ctxt_switches"]
		}
	}
	u.cpu, err = cpuTime(dir)
	return u, err
}

// values reads lines like "VmRSS:  1234 kB".
func values(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if f := strings.Fields(rest); len(f) > 0 {
			if n, err := strconv.ParseInt(f[0], 10, 64); err == nil {
				all[name] = n
			}
		}
	}
	return all, nil
}

// cpuTime is what the scheduler has counted for all threads (proc(5), schedstat: nanoseconds): the
// ticks of /proc/pid/stat are too coarse for a program that sleeps.
func cpuTime(proc string) (time.Duration, error) {
	tasks, err := filepath.Glob(proc + "/task/*/schedstat")
	if err != nil {
		return 0, err
	}
	var all time.Duration
	for _, t := range tasks {
		text, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has just ended
		}
		if f := strings.Fields(string(text)); len(f) > 0 {
			n, err := strconv.ParseInt(f[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", t, err)
			}
			all += time.Duration(n)
		}
	}
	if len(tasks) == 0 {
		return 0, fmt.Errorf("%s has no schedstat", proc)
	}
	return all, nil
}

// mb writes KiB as megabytes.
func mb(kib int64) string { return fmt.Sprintf("%.1f", float64(kib)*1024/1e6) }
