package service

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// stamp tells one content of a file from the next one, well enough: a change keeps neither the
// time nor the size nor the mode, but for one made within the clock of the file system.
type stamp struct {
	modified time.Time
	size     int64
	mode     fs.FileMode // one that could not be read may become readable
}

// watchFile calls changed after the file at path has changed or appeared, until ctx ends. It
// looks every so often instead of asking the system for news: that works on every file system and
// through every editor's way to save. A file that is gone is no change: many editors put the new
// one there a moment later.
func watchFile(ctx context.Context, path string, every time.Duration, changed func()) {
	watch(ctx, every, func() (stamp, error) {
		info, err := os.Stat(path)
		if err != nil {
			return stamp{}, err
		}
		return stamp{info.ModTime().Round(0), info.Size(), info.Mode()}, nil
	}, changed)
}

func watch(ctx context.Context, every time.Duration, look func() (stamp, error), changed func()) {
	last, err := look()
	known := err == nil || errors.Is(err, fs.ErrNotExist)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := look()
		if err != nil {
			continue
		}
		if known && now != last {
			changed()
		}
		last, known = now, true
	}
}
