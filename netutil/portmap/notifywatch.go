package portmap

// NotifyWatch tells a router's start from the announcements of UPnP that it repeats every minute or
// so. Keep one for each gateway, and throw it away with the route. The zero value is ready.
//
// A router without boot ids (UPnP 1.0) that dies without a goodbye and comes back as it was cannot
// be told from one that repeats itself. One whose boot id changes without a start costs a look each
// time.
type NotifyWatch struct {
	// A router may hold several devices, each with a description of its own (versions 1 and 2 of
	// an Internet Gateway Device side by side), and each made of several that share it.
	descriptions recent[notifiedDescription]
	devices      recent[notifiedDevice]
}

type notifiedDescription struct {
	location  string
	bootID    uint32
	hasBootID bool
}

type notifiedDevice struct {
	udn  string
	gone bool // it has said goodbye
}

// Restarted takes an Announcement, and reports whether the router must have started or its
// description have moved since the ones before: another boot id at the same location, a known
// device at a location that is not known, or one that is back after its goodbye. What is heard for
// the first time is no restart. A restart is mostly reported once, however often the router
// repeats itself, but once for each description that it has. A goodbye as such, and anything that
// is not of UPnP, is never one.
func (w *NotifyWatch) Restarted(a Announcement) bool {
	if a.Protocol != UPnP {
		return false
	}
	device := w.devices.find(func(d notifiedDevice) bool { return d.udn == a.UDN })
	known := device != nil
	if !known {
		device = w.devices.add(notifiedDevice{udn: a.UDN})
	}
	if a.ByeBye {
		device.gone = true
		return false
	}
	description := w.descriptions.find(func(d notifiedDescription) bool { return d.location == a.Location })
	moved := description == nil && known
	if description == nil {
		description = w.descriptions.add(notifiedDescription{location: a.Location})
	}
	booted := a.HasBootID && description.hasBootID && a.BootID != description.bootID
	if a.HasBootID {
		description.bootID, description.hasBootID = a.BootID, true
	}
	restarted := device.gone || moved || booted
	if restarted {
		// All parts said goodbye together, and are back together.
		w.devices.each(func(d *notifiedDevice) { d.gone = false })
	}
	return restarted
}

// recentSize bounds what is remembered: what a router says has no end.
const recentSize = 16

// recent holds the last few values that were added.
type recent[T any] struct {
	values [recentSize]T
	n      int // so many are in use
	next   int // where the next one goes
}

func (r *recent[T]) add(v T) *T {
	p := &r.values[r.next]
	*p = v
	r.n, r.next = max(r.n, r.next+1), (r.next+1)%recentSize
	return p
}

// find gives the value that is meant, or nil.
func (r *recent[T]) find(meant func(T) bool) *T {
	for i := range r.n {
		if meant(r.values[i]) {
			return &r.values[i]
		}
	}
	return nil
}

func (r *recent[T]) each(do func(*T)) {
	for i := range r.n {
		do(&r.values[i])
	}
}
