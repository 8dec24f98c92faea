package firewall

import (
	"fmt"
	"strings"
)

// This file reads what firewall-cmd(1) tells about a zone, which everybody may ask.

// zone is the answer to `firewall-cmd --zone=NAME --list-all`.
type zone struct {
	name     string
	settings map[string]string // target, ports, services, ...
	rich     bool              // rich rules, which are not read
}

// parseZone reads "  ports: 27886/udp" and the like; lines below "rich rules:" are such rules.
func parseZone(listing string) (z zone, ok bool) {
	z.settings = map[string]string{}
	last := ""
	for n, line := range strings.Split(listing, "\n") {
		if n == 0 {
			z.name, _, _ = strings.Cut(strings.TrimSpace(line), " ")
			continue
		}
		key, value, found := strings.Cut(strings.TrimSpace(line), ":")
		if strings.HasPrefix(line, "\t") || !found {
			z.rich = z.rich || last == "rich rules" && strings.TrimSpace(line) != ""
			continue
		}
		last = key
		if value = strings.TrimSpace(value); key == "rich rules" && value != "" {
			z.rich = true
		}
		z.settings[key] = value
	}
	_, ok = z.settings["target"]
	return z, ok && z.name != ""
}

// report answers by a zone and the ports of its services.
func (z zone) report(q Question, p packet, servicePorts string) Report {
	r := Report{Firewall: "firewalld", Next: fmt.Sprintf(
		"sudo firewall-cmd --permanent --zone=%s --add-port=%d/%s && sudo firewall-cmd --reload", z.name, q.Port, q.Transport)}
	open := max(p.opens(z.settings["ports"]), p.opens(servicePorts))
	r.Rule = fmt.Sprintf("zone %s, target %s", z.name, z.settings["target"])
	switch {
	case z.rich:
		r.State, r.Why, r.Next = Unknown, "its zone "+z.name+" has rich rules, which only root can follow", "sudo firewall-cmd --list-all"
	case z.settings["target"] == "ACCEPT":
		r.State, r.Next = Allows, ""
	case open == yes:
		r.State, r.Next = Allows, ""
		r.Rule = fmt.Sprintf("zone %s, ports %s", z.name, z.settings["ports"])
	case open == maybe || z.settings["source-ports"] != "" || anyOf(strings.Fields(z.settings["protocols"]), p.isTransport) == yes:
		r.State, r.Why, r.Next = Unknown, "its zone "+z.name+" has rules that may let this port in or not", "sudo firewall-cmd --list-all"
	default:
		r.State = Blocks
	}
	return r
}

// opens reads "22/tcp 5000-6000/udp".
func (p packet) opens(ports string) answer {
	return anyOf(strings.Fields(ports), func(s string) answer {
		number, transport, _ := strings.Cut(s, "/")
		if p.isTransport(transport) == no {
			return no
		}
		from, to, ok := portRange(number, "-")
		if !ok {
			return maybe
		}
		return p.toPort(from, to)
	})
}

// parseServicePorts takes the line "  ports: 22/tcp" of `firewall-cmd --info-service=NAME`.
func parseServicePorts(info string) string {
	for _, line := range strings.Split(info, "\n") {
		if ports, ok := strings.CutPrefix(strings.TrimSpace(line), "ports:"); ok {
			return strings.TrimSpace(ports)
		}
	}
	return "?/udp ?/tcp" // a service that includes others, or words that are not known: maybe
}
