package portmap

import "sync/atomic"

// Drops counts datagrams that were heard and not used. Other UPnP devices make most of them by
// searching and announcing themselves; many more than a few a second come from a device that means
// harm. One Drops may be shared by any number of searches and listeners; a nil one counts nothing.
//
// What is sent in somebody else's name to the sockets of PCP and NAT-PMP is not in it: those are
// connected to the gateway, so the kernel drops it.
type Drops struct{ announcements, answers atomic.Uint64 }

// Announcements counts datagrams on the ports of announcements: not from the gateway, or not an
// announcement of a router.
func (d *Drops) Announcements() uint64 { return d.announcements.Load() }

// Answers counts datagrams to a UPnP search: not from the gateway, or not an answer.
func (d *Drops) Answers() uint64 { return d.answers.Load() }

func (d *Drops) announcement() {
	if d != nil {
		d.announcements.Add(1)
	}
}

func (d *Drops) answer() {
	if d != nil {
		d.answers.Add(1)
	}
}
