package configs

import "strings"

// private are the keys that say something about a person although they are no secrets.
var private = map[string]bool{"checker.via": true, "notify.command": true}

// Changed gives the settings that differ from the defaults, as TOML, for a text that is shown to
// strangers: secrets and what tells about a person read "(set)". It is empty when nothing differs.
func (s Settings) Changed() []byte {
	var b strings.Builder
	d := Default()
	for i := range s.Ports {
		if len(s.Ports) != len(d.Ports) || s.Ports[i] != d.Ports[i] {
			writeTable(&b, brackets(portTable), portKeys(&s.Ports[i]), true)
		}
	}
	defaults := tables(&d)
	for i, t := range tables(&s) {
		var changed []key
		for j, k := range t.keys {
			if k.literal() == defaults[i].keys[j].literal() {
				continue
			}
			k.secret = k.secret || private[dotted(t.name, k.name)]
			changed = append(changed, k)
		}
		if len(changed) > 0 {
			writeTable(&b, brackets(t.name), changed, true)
		}
		if t.name != "notify" {
			continue
		}
		for i := range s.Notify.Webhooks {
			writeTable(&b, brackets(webhookTable), webhookKeys(&s.Notify.Webhooks[i]), true)
		}
	}
	return []byte(b.String())
}
