package checker

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	eachEvery    = 10 * time.Second // one address may ask this often
	eachBurst    = 6                // after a pause, so many at once: three tries, and three after a repair
	maxAddresses = 4096             // remembered; the one that asked longest ago is forgotten
)

// limits says who may ask how often. It keeps a bounded number of addresses.
type limits struct {
	now func() time.Time

	mu    sync.Mutex
	total *rate.Limiter
	each  map[netip.Addr]*list.Element
	order *list.List // of *visitor, the latest first
}

type visitor struct {
	addr  netip.Addr
	quota *rate.Limiter
}

func newLimits(perMinute int, now func() time.Time) *limits {
	return &limits{
		now:   now,
		total: rate.NewLimiter(rate.Limit(perMinute)/60, max(1, perMinute/6)),
		each:  map[netip.Addr]*list.Element{},
		order: list.New(),
	}
}

// allow takes one check out of the address's quota and out of everybody's. If either is used up, it
// takes nothing and tells how long to wait. The address's own comes first, so that one who asks all
// the time uses up nobody else's.
func (l *limits) allow(addr netip.Addr) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	own := l.visitor(addr).quota.ReserveN(now, 1)
	if wait := own.DelayFrom(now); wait > 0 {
		own.CancelAt(now)
		return wait, false
	}
	all := l.total.ReserveN(now, 1)
	if wait := all.DelayFrom(now); wait > 0 {
		all.CancelAt(now)
		own.CancelAt(now)
		return wait, false
	}
	return 0, true
}

func (l *limits) visitor(addr netip.Addr) *visitor {
	if e, ok := l.each[addr]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*visitor)
	}
	if l.order.Len() >= maxAddresses {
		oldest := l.order.Back()
		delete(l.each, oldest.Value.(*visitor).addr)
		l.order.Remove(oldest)
	}
	v := &visitor{addr: addr, quota: rate.NewLimiter(rate.Every(eachEvery), eachBurst)}
	l.each[addr] = l.order.PushFront(v)
	return v
}

// addresses is how many are remembered.
func (l *limits) addresses() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}
