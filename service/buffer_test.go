package service

import (
	"strings"
	"sync"
)

// safeBuffer may be read while somebody writes; wrote is told what has been written so far.
type safeBuffer struct {
	mu    sync.Mutex
	text  strings.Builder
	wrote func(all string)
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.text.Write(p)
	if b.wrote != nil {
		b.wrote(b.text.String())
	}
	return n, err
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
