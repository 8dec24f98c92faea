package web

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/portsitter/portsitter/daemon"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSitter publishes what a test gives it.
type fakeSitter struct {
	mu        sync.Mutex
	status    *daemon.Status
	newer     chan struct{} // closed by the next publication
	history   []daemon.Event
	days      daemon.Days
	contacts  []daemon.Contact
	alive     time.Time
	refreshed atomic.Int32
	asked     []string // checks: port, and whether with a person's word
	hosting   bool
}

func (f *fakeSitter) Check(_ context.Context, port string, whileHosting bool) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case port == "nonsense":
		return 0, &daemon.NoPortError{Name: port}
	case f.hosting && !whileHosting:
		return 0, &daemon.HostingError{Who: "Project64KSE.exe (pid 4242)"}
	}
	f.asked = append(f.asked, fmt.Sprint(port, whileHosting))
	return uint64(len(f.asked)), nil
}

func (f *fakeSitter) TakeOver(_ context.Context, port string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch port {
	case "":
		return &daemon.NoPortError{}
	case "free":
		return &daemon.NotHeldError{Port: port}
	}
	f.asked = append(f.asked, "take over "+port)
	return nil
}

func newSitter(s scene) *fakeSitter {
	return &fakeSitter{status: s.Status, history: s.History, days: s.Days, contacts: s.Contacts, newer: make(chan struct{}), alive: noon}
}

func (f *fakeSitter) publish(s *daemon.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = s
	close(f.newer)
	f.newer = make(chan struct{})
}

func (f *fakeSitter) newest() (*daemon.Status, chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, f.newer
}

func (f *fakeSitter) Status() *daemon.Status     { s, _ := f.newest(); return s }
func (f *fakeSitter) Refresh()                   { f.refreshed.Add(1) }
func (f *fakeSitter) History() []daemon.Event    { return f.history }
func (f *fakeSitter) Days() daemon.Days          { return f.days }
func (f *fakeSitter) Contacts() []daemon.Contact { return f.contacts }
func (f *fakeSitter) Alive() time.Time           { return f.alive }

func (f *fakeSitter) Await(ctx context.Context, after uint64) *daemon.Status {
	for {
		s, newer := f.newest()
		if s.Pass > after {
			return s
		}
		select {
		case <-newer:
		case <-ctx.Done():
			return nil
		}
	}
}
