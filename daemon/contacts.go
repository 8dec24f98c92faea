package daemon

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Contact is somebody the program talks to under the present settings.
type Contact struct {
	Whom string `json:"whom"`
	Why  string `json:"why"`
	When string `json:"when"`
	Off  string `json:"off,omitempty"` // how to switch it off; "" where that makes no sense
}

// Contacts lists everybody the program talks to. There is nobody else but the name servers that are
// asked for these names.
func (d *Daemon) Contacts() []Contact { return *d.contacts.Load() }

func (d *Daemon) learnContacts() {
	list := d.state.contacts()
	d.contacts.Store(&list)
}

// contacts reads the list from the settings.
func (st *state) contacts() []Contact {
	s := st.settings
	every := epochEvery
	if len(s.Router.Protocols) == 1 && st.protocols()[0] == portmap.UPnP { // there is no epoch to ask for
		every = min(st.readBack(), st.addressEvery())
	}
	out := []Contact{{"Your router, by " + joinWords(protocolNames(st.protocols())), "Opens the port, and sees whether it still is",
		fmt.Sprintf("every %s, and at half of the lease; at most %d times an hour while nothing happens", spoken(every), idleRequests), "protocols in [router]"}}
	if s.Router.Upstream {
		out = append(out, Contact{"A second router in front of yours", "Opens the port there, too", "as for the router", "upstream = false in [router]"})
	}
	if len(s.PublicIP.STUN) > 0 {
		out = append(out, Contact{strings.Join(s.PublicIP.STUN, ", "), "Tells your public address (STUN)",
			fmt.Sprintf("every %s, one of them", spoken(s.PublicIP.STUNEvery)), "stun = [] in [public_ip]"})
	}
	if len(s.PublicIP.HTTP) > 0 {
		out = append(out, Contact{hostNames(s.PublicIP.HTTP), "Tells your public address (get-ip)",
			fmt.Sprintf("every %s, and when the others disagree", spoken(s.PublicIP.HTTPEvery)), "http = [] in [public_ip]"})
	}
	if len(s.Checker.URLs) > 0 {
		c := Contact{hostNames(s.Checker.URLs), "Checks from outside: it is told your address and port, and knocks there", "when you ask", "urls = [] in [checker]"}
		if s.Checker.Automatic {
			c.When = fmt.Sprintf("after a change, once a day, and %s after one that failed, at most %d times a day; and when you ask", spoken(checkFailed), checksADay)
			c.Off = "automatic = false or urls = [] in [checker]"
		}
		out = append(out, c)
	}
	if n := len(s.Notify.Webhooks); n > 0 { // their addresses are secrets
		out = append(out, Contact{plural(n, "webhook", "webhooks") + " of your own", "Hears of changes", "on a change", "[[notify.webhook]]"})
	}
	return out
}

// hostNames are the hosts of URLs. What else an address holds may be a secret.
func hostNames(urls []string) string {
	var hosts []string
	for _, u := range urls {
		if parsed, err := url.Parse(u); err == nil && parsed.Host != "" {
			hosts = append(hosts, parsed.Host)
		}
	}
	return strings.Join(hosts, ", ")
}

// spoken is a length of time of the settings, in the unit people would say it in.
func spoken(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
