package configs

import (
	"fmt"
	"strings"
)

// finish fills in what is derived, and checks what only makes sense together.
func (r *reader) finish() *Error {
	for i := range r.ports {
		if err := r.finishPort(i); err != nil {
			return err
		}
	}
	for i, w := range r.settings.Notify.Webhooks {
		if err := finishWebhook(w, r.webhooks[i]); err != nil {
			return err
		}
	}
	if c := r.settings.Notify.Command; len(c) > 0 && c[0] == "" {
		return &Error{
			Line: r.lines["notify.command"], Key: "notify.command", Read: `command = [""…]`,
			Allowed: "the first element is the program to start",
		}
	}
	for _, a := range r.settings.Page.Listen {
		if notLoopback(a) && r.settings.Page.Password == "" {
			return &Error{
				Line: r.lines["page.listen"], Key: "page.listen", Read: quote(a.String()) + " in listen",
				Allowed: "a page that other devices can open needs a password", Hint: `make one with "portsitter config password"`,
			}
		}
	}
	return nil
}

// finishWebhook sees that one [[notify.webhook]] entry says where to, once.
func finishWebhook(w Webhook, line int) *Error {
	var set []string
	for _, k := range []struct{ name, value string }{{"url", w.URL}, {"url_file", w.URLFile}, {"url_env", w.URLEnv}} {
		if k.value != "" {
			set = append(set, k.name)
		}
	}
	e := &Error{Line: line, Key: webhookTable}
	switch len(set) {
	case 0:
		e.Read, e.Hint = "this [[notify.webhook]] does not say where to", "write url = or url_file = below it"
	case 1:
		return nil
	default:
		e.Read, e.Hint = "this [[notify.webhook]] has both "+set[0]+" and "+set[1], "keep one of the two"
	}
	return e
}

// finishPort completes one [[port]] entry of the file and compares it with those above.
func (r *reader) finishPort(i int) *Error {
	p := &r.settings.Ports[i]
	wrong := func(read, hint string) *Error {
		return &Error{Line: r.ports[i], Key: portTable, Read: "this [[port]] " + read, Hint: hint}
	}
	if p.Port == 0 {
		return wrong("does not say which port", "write port = NUMBER below it")
	}
	if p.ExternalPort == 0 {
		p.ExternalPort = p.Port
	}
	if p.Name == "" {
		p.Name = r.nameOf(*p)
	}
	if p.Game == "kaillera" && p.Transport != "udp" {
		return wrong(`has game = "kaillera" and transport = "`+p.Transport+`"`, `Kaillera speaks UDP: write game = "any" for another game`)
	}
	for j, other := range r.settings.Ports[:i] {
		above := fmt.Sprintf(" as the one on line %d", r.ports[j])
		switch {
		case strings.EqualFold(other.Name, p.Name):
			return wrong("has the same name"+above, "give each its own name")
		case other.Transport == p.Transport && other.Port == p.Port:
			return wrong(fmt.Sprintf("has the same %s port %d%s", p.Transport, p.Port, above), "give each its own port")
		case other.Transport == p.Transport && other.ExternalPort == p.ExternalPort:
			read := fmt.Sprintf("has the same %s external_port %d%s", p.Transport, p.ExternalPort, above)
			return wrong(read, "give each its own external_port")
		}
	}
	return nil
}

// nameOf names an entry that has no name: the default entry keeps its own, every other one is
// called after what it is.
func (r *reader) nameOf(p Port) string {
	if len(r.base.Ports) > 0 {
		if d := r.base.Ports[0]; d.Port == p.Port && d.Transport == p.Transport {
			return d.Name
		}
	}
	return fmt.Sprintf("%s %d", strings.ToUpper(p.Transport), p.Port)
}
