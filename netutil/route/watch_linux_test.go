package route

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// linkMessage makes a message about the link with that number.
func linkMessage(kind uint16, index uint32, name string, flags uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	return appendMessage(nil, message{kind: kind, body: appendAttribute(b, unix.IFLA_IFNAME, append([]byte(name), 0))})
}

func addressMessage(family byte, label string) []byte {
	b := append([]byte{family, 24, 0, 0, 2, 0, 0, 0}, attribute(unix.IFA_LOCAL, 10, 0, 0, 1)...)
	return appendMessage(nil, message{kind: unix.RTM_NEWADDR, body: appendAttribute(b, unix.IFA_LABEL, append([]byte(label), 0))})
}

func TestChangeFilter(t *testing.T) {
	const on, off = unix.IFF_UP | unix.IFF_RUNNING, unix.IFF_UP
	newLink := func(index uint32, name string, flags uint32) []byte {
		return linkMessage(unix.RTM_NEWLINK, index, name, flags)
	}
	delLink := func(index uint32, name string, flags uint32) []byte {
		return linkMessage(unix.RTM_DELLINK, index, name, flags)
	}
	route := func(kind uint16, bits, table byte) []byte {
		return appendMessage(nil, message{kind: kind, body: routeBody(bits, 0, table, unix.RTN_UNICAST, 0, attribute32(unix.RTA_OIF, 2))})
	}
	rule := func(family byte) []byte {
		return appendMessage(nil, message{kind: unix.RTM_NEWRULE, body: []byte{family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}})
	}
	var f changeFilter
	for _, c := range []struct { // in order: the filter remembers links
		name string
		b    []byte
		want bool
	}{
		{"first word of a link", newLink(2, "eth0", on), true},
		{"again, nothing new (a Wi-Fi scan)", newLink(2, "eth0", on), false},
		{"cable pulled", newLink(2, "eth0", off), true},
		{"cable back", newLink(2, "eth0", on), true},
		{"switched off", newLink(2, "eth0", 0), true},
		{"new link, switched off", newLink(3, "wlan0", 0), false},
		{"switched on", newLink(3, "wlan0", on), true},
		{"renamed", newLink(3, "wlp2s0", on), true},
		{"unplugged", delLink(3, "wlp2s0", on), true},
		{"new link goes again, switched off", delLink(9, "usb0", 0), false},
		{"container", newLink(7, "veth12ab34f", on), false},
		{"container goes", delLink(7, "veth12ab34f", on), false},
		{"container bridge", newLink(8, "br-0123456789ab", on), false},
		{"default route", route(unix.RTM_NEWROUTE, 0, unix.RT_TABLE_MAIN), true},
		{"default route goes", route(unix.RTM_DELROUTE, 0, unix.RT_TABLE_MAIN), true},
		{"half a default route", route(unix.RTM_NEWROUTE, 1, unix.RT_TABLE_MAIN), true},
		{"default route of a VPN's own table", route(unix.RTM_NEWROUTE, 0, 200), true},
		{"route to a network", route(unix.RTM_NEWROUTE, 24, unix.RT_TABLE_MAIN), false},
		{"address", addressMessage(unix.AF_INET, "eth0"), true},
		{"address of a container bridge", addressMessage(unix.AF_INET, "docker0"), false},
		{"IPv6 address", addressMessage(unix.AF_INET6, "eth0"), false},
		{"rule", rule(unix.AF_INET), true},
		{"IPv6 rule", rule(unix.AF_INET6), false},
		{"neighbour", appendMessage(nil, message{kind: unix.RTM_NEWNEIGH, body: make([]byte, unix.SizeofNdMsg)}), false},
		{"noise before the news", append(newLink(7, "veth12ab34f", on), route(unix.RTM_NEWROUTE, 0, unix.RT_TABLE_MAIN)...), true},
		{"news before the noise", append(route(unix.RTM_NEWROUTE, 0, unix.RT_TABLE_MAIN), newLink(7, "veth12ab34f", on)...), true},
		{"nothing", nil, false},
		{"cut off", newLink(2, "eth0", on)[:20], false},
	} {
		if got := f.matters(c.b); got != c.want {
			t.Errorf("%s: matters %v, want %v", c.name, got, c.want)
		}
	}
}

func TestChangeFilterIsBounded(t *testing.T) {
	var f changeFilter
	for index := range uint32(5 * maxLinks) {
		f.matters(linkMessage(unix.RTM_NEWLINK, index+1, "eth0", unix.IFF_UP))
	}
	if len(f.links) > maxLinks {
		t.Errorf("%d links remembered", len(f.links))
	}
}

// script is a socket whose reads go as written.
type script []func([]byte) (int, error)

func (s *script) Read(b []byte) (int, error) {
	next := (*s)[0]
	*s = (*s)[1:]
	return next(b)
}

func TestListen(t *testing.T) {
	noise := linkMessage(unix.RTM_NEWLINK, 7, "veth12ab34f", unix.IFF_UP)
	news := addressMessage(unix.AF_INET, "eth0")
	gives := func(b []byte) func([]byte) (int, error) {
		return func(to []byte) (int, error) { return copy(to, b), nil }
	}
	fails := func(err error) func([]byte) (int, error) {
		return func([]byte) (int, error) { return 0, &os.PathError{Op: "read", Path: "netlink", Err: err} }
	}
	for _, c := range []struct {
		name string
		s    script
		want int
	}{
		{"noise", script{gives(noise), fails(os.ErrClosed)}, 0},
		{"news", script{gives(noise), gives(news), fails(os.ErrClosed)}, 1},
		{"news twice is one event", script{gives(news), gives(news), fails(os.ErrClosed)}, 1},
		{"lost messages are an event", script{fails(unix.ENOBUFS), gives(noise), fails(os.ErrClosed)}, 1},
		{"broken", script{fails(errors.New("broken"))}, 0},
	} {
		events := make(chan struct{}, 1)
		listen(&c.s, events)
		if len(events) != c.want || len(c.s) != 0 {
			t.Errorf("%s: %d events, %d reads left", c.name, len(events), len(c.s))
		}
	}
}
