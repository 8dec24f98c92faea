package route

import (
	"errors"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"
)

// changeGroups are the kernel's multicast groups for what can change the way out over IPv4. Changes
// of neighbours and of IPv6 come many times an hour and cannot.
const changeGroups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV4_RULE

// subscribe listens for changes. The channel has room for one event, and is closed when no more will
// come. stop ends it and waits for that.
func subscribe() (events <-chan struct{}, stop func(), err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, nil, os.NewSyscallError("netlink socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: changeGroups}); err != nil {
		unix.Close(fd)
		return nil, nil, os.NewSyscallError("netlink bind", err)
	}
	// A non-blocking descriptor in an os.File waits in the runtime's poller: Close ends a Read.
	file := os.NewFile(uintptr(fd), "netlink")
	out, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		listen(file, out)
	}()
	return out, func() { file.Close(); <-done }, nil
}

// listen turns the messages that each Read of socket gives into events, until it is closed.
func listen(socket io.Reader, events chan<- struct{}) {
	var filter changeFilter
	buffer := make([]byte, 64<<10)
	for {
		n, err := socket.Read(buffer)
		switch {
		case errors.Is(err, unix.ENOBUFS): // more happened than fits: something did change
			filter = changeFilter{}
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			slog.Debug("reading network changes", "err", err)
			return
		case !filter.matters(buffer[:n]):
			continue
		}
		select {
		case events <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// changeFilter keeps what cannot matter from waking anybody: a Wi-Fi card that scans, containers
// that come and go, routes that are no default routes.
type changeFilter struct {
	links map[int]link // as last told, without container links
}

// matters reports whether one of the messages in b can mean another way out.
func (f *changeFilter) matters(b []byte) bool {
	matter := false
	for m := range messages(b) {
		switch m.kind {
		case unix.RTM_NEWLINK, unix.RTM_DELLINK:
			matter = f.linkMatters(m) || matter
		case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
			matter = len(parseRoute(m.body)) > 0 || matter
		case unix.RTM_NEWADDR, unix.RTM_DELADDR:
			matter = f.addressMatters(m) || matter
		case unix.RTM_NEWRULE, unix.RTM_DELRULE:
			matter = matter || len(m.body) > 0 && m.body[0] == unix.AF_INET
		}
	}
	return matter
}

// maxLinks bounds what the filter remembers; beyond that it forgets, and lets more through.
const maxLinks = 1024

// linkMatters compares a link with what was last told of it: most messages about links are about
// counters, scans and bridge ports. A link that goes down takes its routes along without a message
// for each, so this is the only one.
func (f *changeFilter) linkMatters(m message) bool {
	l, ok := parseLink(m.body)
	if !ok || l.class() == container {
		return false
	}
	before, known := f.links[l.index]
	if m.kind == unix.RTM_DELLINK {
		delete(f.links, l.index)
		return known || l.up
	}
	if f.links == nil || len(f.links) >= maxLinks {
		f.links = make(map[int]link)
	}
	f.links[l.index] = l
	if !known {
		return l.up
	}
	return before.up != l.up || before.running != l.running || before.name != l.name
}

// addressMatters leaves out addresses whose label says that they are on a container bridge.
func (f *changeFilter) addressMatters(m message) bool {
	if len(m.body) < unix.SizeofIfAddrmsg || m.body[0] != unix.AF_INET {
		return false
	}
	for kind, value := range attributes(m.body[unix.SizeofIfAddrmsg:]) {
		if kind == unix.IFA_LABEL {
			return !isContainer(text(value))
		}
	}
	return true
}
