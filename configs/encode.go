package configs

import (
	"fmt"
	"strings"
)

// masked stands in for a secret.
const masked = "(set)"

// Encode gives the settings as they are in force, as TOML, for `config show`. The password's hash
// and the webhooks' URLs read "(set)": what it writes may be shown to others.
func (s Settings) Encode() []byte { return s.encode(true) }

// encode writes all keys in the order of portsitter.toml, with the secrets or without.
func (s Settings) encode(mask bool) []byte {
	var b strings.Builder
	for i := range s.Ports {
		writeTable(&b, brackets(portTable), portKeys(&s.Ports[i]), mask)
	}
	for _, t := range tables(&s) {
		writeTable(&b, brackets(t.name), t.keys, mask)
		if t.name != "notify" {
			continue
		}
		for i := range s.Notify.Webhooks {
			writeTable(&b, brackets(webhookTable), webhookKeys(&s.Notify.Webhooks[i]), mask)
		}
	}
	return []byte(b.String())
}

func writeTable(b *strings.Builder, header string, keys []key, mask bool) {
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(header + "\n")
	for _, k := range keys {
		value := k.literal()
		if k.secret && mask && value != `""` {
			value = quote(masked)
		}
		fmt.Fprintf(b, "%s = %s\n", k.name, value)
	}
}
