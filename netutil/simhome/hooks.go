package simhome

import (
	"net/netip"
	"sync"
)

// Announcement is what a router tells its LAN when it has booted or has another outer address: PCP
// ANNOUNCE (RFC 6887 section 14.1.3), a NAT-PMP address announcement (RFC 6886 section 3.2.1) and,
// after a boot, SSDP NOTIFY.
type Announcement struct {
	Booted bool // else the outer address changed
	Outer  netip.Addr
	Epoch  uint32
}

// hooks are called without the Home's mutex, which they may want themselves.
type hooks struct {
	mu       sync.Mutex
	last     int
	announce map[int]func(Announcement)
	change   map[int]func()
}

// OnAnnounce calls hear at each announcement until stop is called.
func (h *Home) OnAnnounce(hear func(Announcement)) (stop func()) {
	h.hooks.mu.Lock()
	defer h.hooks.mu.Unlock()
	return register(&h.hooks, &h.hooks.announce, hear)
}

// onChange calls f when something changed that decides which ports are open.
func (h *Home) onChange(f func()) (stop func()) {
	h.hooks.mu.Lock()
	defer h.hooks.mu.Unlock()
	return register(&h.hooks, &h.hooks.change, f)
}

func register[F any](h *hooks, in *map[int]F, f F) (stop func()) {
	if *in == nil {
		*in = map[int]F{}
	}
	h.last++
	id := h.last
	(*in)[id] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(*in, id)
	}
}

func registered[F any](h *hooks, in *map[int]F) []F {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]F, 0, len(*in))
	for _, f := range *in {
		list = append(list, f)
	}
	return list
}

func (h *Home) changed() {
	for _, f := range registered(&h.hooks, &h.hooks.change) {
		f()
	}
}

func (h *Home) announce(booted bool) {
	h.mu.Lock()
	a := Announcement{Booted: booted, Outer: h.outer, Epoch: h.epoch()}
	alive := h.state == running
	h.mu.Unlock()
	if !alive {
		return
	}
	for _, f := range registered(&h.hooks, &h.hooks.announce) {
		f(a)
	}
}
