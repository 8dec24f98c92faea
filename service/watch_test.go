package service

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"
)

// Each look at the file gives the next reading; changed may be called after the looks in want.
func TestWatch(t *testing.T) {
	type reading struct {
		stamp stamp
		err   error
	}
	there := func(minute, size int) reading {
		return reading{stamp: stamp{noon.Add(time.Duration(minute) * time.Minute), int64(size), 0o600}}
	}
	readable := there(0, 10)
	readable.stamp.mode = 0o644
	gone, denied := reading{err: fs.ErrNotExist}, reading{err: errors.New("permission denied")}

	for name, c := range map[string]struct {
		readings []reading
		want     []int // index of the readings that are a change
	}{
		"nothing happens":              {[]reading{there(0, 10), there(0, 10), there(0, 10)}, nil},
		"written anew":                 {[]reading{there(0, 10), there(1, 10), there(1, 10)}, []int{1}},
		"same time, other size":        {[]reading{there(0, 10), there(0, 11)}, []int{1}},
		"an older file put in place":   {[]reading{there(5, 10), there(0, 10)}, []int{1}},
		"appears":                      {[]reading{gone, gone, there(0, 10), there(0, 10)}, []int{2}},
		"an editor replaces it":        {[]reading{there(0, 10), gone, there(1, 10)}, []int{2}},
		"gone and back as it was":      {[]reading{there(0, 10), gone, there(0, 10)}, nil},
		"stays gone":                   {[]reading{there(0, 10), gone, gone}, nil},
		"cannot be looked at":          {[]reading{there(0, 10), denied, there(0, 10)}, nil},
		"could not be looked at first": {[]reading{denied, there(0, 10), there(1, 10)}, []int{2}},
		"others may read it now":       {[]reading{there(0, 10), readable, readable}, []int{1}},
		"twice":                        {[]reading{there(0, 10), there(1, 10), there(2, 10)}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var got []int
				looks := 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					watch(ctx, time.Second, func() (stamp, error) {
						r := c.readings[min(looks, len(c.readings)-1)]
						looks++
						return r.stamp, r.err
					}, func() { got = append(got, looks-1) })
				}()
				time.Sleep(time.Duration(len(c.readings)) * time.Second)
				cancel()
				<-done
				if len(got) != len(c.want) {
					t.Fatalf("changed after readings %v, want %v", got, c.want)
				}
				for i := range got {
					if got[i] != c.want[i] {
						t.Errorf("changed after readings %v, want %v", got, c.want)
					}
				}
			})
		})
	}
}
