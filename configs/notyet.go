package configs

import (
	"net/netip"
	"slices"
)

// later lists the keys whose work is not in the program yet. They are read and checked like all
// others. When the work arrives, its line goes.
var later = []struct {
	key     string
	changed func(s, d *Settings) bool // is it set to something else than its default d
}{
	{"page.listen", func(s, _ *Settings) bool { return slices.ContainsFunc(s.Page.Listen, notLoopback) }},
	{"page.password", func(s, d *Settings) bool { return s.Page.Password != d.Page.Password }},
	{"notify.command", func(s, d *Settings) bool { return !slices.Equal(s.Notify.Command, d.Notify.Command) }},
	{"notify.webhook", func(s, d *Settings) bool { return !slices.Equal(s.Notify.Webhooks, d.Notify.Webhooks) }},
}

// NotYet gives the keys that are set to another value than their default although the program does
// not do their work yet, in the order of the file, for the words "not there yet" at the start.
func (s Settings) NotYet() []string {
	d := Default()
	var keys []string
	for _, l := range later {
		if l.changed(&s, &d) {
			keys = append(keys, l.key)
		}
	}
	return keys
}

// notLoopback reports whether a page served there can be opened from another device.
func notLoopback(a netip.AddrPort) bool { return !a.Addr().Unmap().IsLoopback() }
