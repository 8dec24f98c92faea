package firewall

import (
	"fmt"
	"strings"
)

// This file reads the files of ufw, Ubuntu's firewall (ufw(8), ufw-framework(8)).

// ufwFiles are the texts of /etc/ufw/ufw.conf, /etc/default/ufw and /etc/ufw/user.rules. The last
// one may be read by root only.
type ufwFiles struct {
	conf, defaults, rules string
	unread                error // why there are no rules
}

// enabled reports whether ufw is switched on.
func (f ufwFiles) enabled() bool { return shellValue(f.conf, "ENABLED") == "yes" }

// report answers by ufw's own rules: the first that is about the packet decides, then the default.
func (f ufwFiles) report(q Question, p packet) Report {
	r := Report{Firewall: "ufw", Next: fmt.Sprintf("sudo ufw allow %d/%s", q.Port, q.Transport)}
	if f.unread != nil {
		r.State, r.Why = Unknown, "ufw is switched on, and only root may read its rules"
		r.Next = "sudo ufw status"
		return r
	}
	for _, line := range strings.Split(f.rules, "\n") {
		tuple, ok := strings.CutPrefix(strings.TrimSpace(line), "### tuple ###")
		if !ok {
			continue
		}
		what, when := p.ufwTuple(strings.Fields(tuple))
		switch {
		case when == no:
		case when == maybe:
			r.State, r.Rule, r.Why, r.Next = Unknown, strings.TrimSpace(tuple), "one of its rules may be about this port or not", "sudo ufw status"
			return r
		case what == "allow" || what == "limit":
			r.State, r.Rule, r.Next = Allows, strings.TrimSpace(tuple), ""
			return r
		default:
			r.State, r.Rule = Blocks, strings.TrimSpace(tuple)
			r.Next = fmt.Sprintf("sudo ufw insert 1 allow %d/%s", q.Port, q.Transport)
			return r
		}
	}
	policy := shellValue(f.defaults, "DEFAULT_INPUT_POLICY")
	r.Rule = "default: " + policy
	switch policy {
	case "ACCEPT":
		r.State, r.Next = Allows, ""
	case "DROP", "REJECT":
		r.State = Blocks
	default:
		r.State, r.Why, r.Next = Unknown, "its default for incoming packets could not be read", "sudo ufw status verbose"
	}
	return r
}

// ufwTuple judges "allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 in": action, protocol, port and address
// here, port and address there, names of applications, direction.
func (p packet) ufwTuple(f []string) (action string, when answer) {
	for len(f) > 0 && strings.HasPrefix(f[len(f)-1], "comment=") {
		f = f[:len(f)-1]
	}
	if len(f) != 7 && len(f) != 9 {
		return "", maybe
	}
	action, _, _ = strings.Cut(f[0], "_") // allow_log
	if strings.HasPrefix(action, "route:") {
		return action, no // what is passed on to others
	}
	way, device, _ := strings.Cut(f[len(f)-1], "_")
	if way != "in" {
		return action, no
	}
	when = max(p.isTransport(f[1]), truth(f[1] == "any"))
	when = both(when, p.ufwPort(f[2]))
	when = both(when, addressIn(p.toUs)(f[3]))
	if f[4] != "any" {
		when = both(when, maybe) // a stranger's own port
	}
	when = both(when, addressIn(fromStranger)(f[5]))
	if device != "" {
		when = both(when, p.onDevice(device, '+'))
	}
	return action, when
}

func (p packet) ufwPort(ports string) answer {
	return anyOf(strings.Split(ports, ","), func(s string) answer {
		if s == "any" {
			return yes
		}
		if from, to, ok := portRange(s, ":"); ok {
			return p.toPort(from, to)
		}
		return maybe
	})
}

// shellValue is the value of a line like ENABLED=yes or KEY="value".
func shellValue(text, key string) string {
	value := ""
	for _, line := range strings.Split(text, "\n") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			value = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return value
}
