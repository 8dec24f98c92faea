package configs

import (
	"fmt"
	"slices"
	"strings"
)

// reader puts the values of one document into Settings, entry by entry.
type reader struct {
	root     map[string]any
	base     Settings // what is left out is as here
	settings *Settings
	tables   []table
	lines    map[string]int // where a key stands, for the checks at the end
	ports    []int          // lines of the [[port]] entries
	webhooks []int          // lines of the [[notify.webhook]] entries
}

func newReader(root map[string]any, base Settings) *reader {
	settings := base.clone()
	return &reader{
		root: root, base: base, settings: &settings, tables: tables(&settings), lines: map[string]int{},
	}
}

// take reads one entry of the file.
func (r *reader) take(e entry) *Error {
	path := dotted(e.table, e.name)
	switch {
	case e.name == "":
		return r.open(e)
	case path == portTable || path == webhookTable:
		return r.inlineTables(e, path)
	case r.isTable(path):
		if _, ok := r.lookup(e).(map[string]any); !ok {
			return e.refused(path, true, &refusal{allowed: "its keys stand below a line [" + path + "]"})
		}
		return nil
	}
	return r.key(e)
}

// open begins a table, or one more of an array of tables.
func (r *reader) open(e entry) *Error {
	many := e.table == portTable || e.table == webhookTable
	wrong := &Error{Line: e.line, Key: e.table, Read: shown(e.raw, maxShown)}
	switch {
	case !many && !r.isTable(e.table):
		return r.unknownTable(e)
	case many && !e.array:
		wrong.Allowed = "every entry has a line " + brackets(e.table) + " above it, in double brackets"
		return wrong
	case !many && e.array:
		wrong.Allowed = "[" + e.table + "] stands there once, in single brackets"
		return wrong
	case e.table == portTable:
		return r.openPort(e)
	case e.table == webhookTable:
		return r.openWebhook(e)
	}
	return nil
}

// openPort begins a [[port]] entry. The first one in the file replaces those of base.
func (r *reader) openPort(e entry) *Error {
	if len(r.ports) == MaxPorts {
		return e.oneTooMany(MaxPorts)
	}
	if len(r.ports) == 0 {
		r.settings.Ports = nil
	}
	var p Port
	if len(r.base.Ports) > 0 {
		p = r.base.Ports[0]
		p.Name, p.ExternalPort = "", 0 // finish derives them
		if len(r.ports) > 0 {
			p.Port = 0 // a second entry has to say which port it is about
		}
	}
	r.settings.Ports = append(r.settings.Ports, p)
	r.ports = append(r.ports, e.line)
	return nil
}

// openWebhook begins a [[notify.webhook]] entry.
func (r *reader) openWebhook(e entry) *Error {
	if len(r.webhooks) == MaxWebhooks {
		return e.oneTooMany(MaxWebhooks)
	}
	r.settings.Notify.Webhooks = append(r.settings.Notify.Webhooks, Webhook{Kind: webhookKinds[0]})
	r.webhooks = append(r.webhooks, e.line)
	return nil
}

// inlineTables looks at the other way to write an array of tables: port = [{…}, {…}]. Its elements
// follow as entries of their own.
func (r *reader) inlineTables(e entry, path string) *Error {
	list, ok := r.lookup(e).([]any)
	for _, element := range list {
		if _, isTable := element.(map[string]any); !isTable {
			ok = false
		}
	}
	if path == portTable && len(list) == 0 {
		ok = false
	}
	if !ok {
		return e.refused(path, path == webhookTable, &refusal{allowed: "every entry has a line [[" + path + "]] above it, and its keys below"})
	}
	return nil
}

// key reads a key with its value.
func (r *reader) key(e entry) *Error {
	keys := r.keysOf(e)
	if keys == nil && e.table != "" {
		return r.unknownTable(e)
	}
	at := slices.IndexFunc(keys, func(k key) bool { return k.name == e.name })
	if at < 0 {
		return r.unknownKey(e, keys)
	}
	path := dotted(e.table, e.name)
	v := r.lookup(e)
	if v == nil || !r.opened(e) {
		return &Error{
			Line: e.line, Key: path, Read: path,
			Allowed: "every entry has a line " + brackets(e.table) + " above it",
		}
	}
	if refused := keys[at].set(v); refused != nil {
		return e.refused(path, keys[at].secret, refused)
	}
	r.lines[path] = e.line
	return nil
}

// keysOf gives the keys of the table that e stands in, nil when it has none.
func (r *reader) keysOf(e entry) []key {
	switch e.table {
	case portTable:
		if r.opened(e) {
			return portKeys(&r.settings.Ports[e.index])
		}
		return portKeys(&Port{})
	case webhookTable:
		if r.opened(e) {
			return webhookKeys(&r.settings.Notify.Webhooks[e.index])
		}
		return webhookKeys(&Webhook{})
	}
	for _, t := range r.tables {
		if t.name == e.table {
			return t.keys
		}
	}
	return nil
}

// opened reports whether the table that e stands in is there: port.name = "x" at the top of a file
// names one that is not.
func (r *reader) opened(e entry) bool {
	switch e.table {
	case portTable:
		return e.index < len(r.ports)
	case webhookTable:
		return e.index < len(r.webhooks)
	}
	return true
}

// isTable reports whether name is one of the tables that stand there once.
func (r *reader) isTable(name string) bool {
	return slices.ContainsFunc(r.tables, func(t table) bool { return t.name == name })
}

// lookup finds the value of e in the document; nil when it is not where the file's structure says
// it should be.
func (r *reader) lookup(e entry) any {
	at := r.root
	if e.table != "" {
		for part := range strings.SplitSeq(e.table, ".") {
			next := at[part]
			switch list := next.(type) {
			case []map[string]any:
				if e.index < len(list) {
					next = list[e.index]
				}
			case []any:
				if e.index < len(list) {
					next = list[e.index]
				}
			}
			at, _ = next.(map[string]any)
		}
	}
	return at[e.name]
}

// oneTooMany is the error for an entry of an array of tables that is full.
func (e entry) oneTooMany(most int) *Error {
	return &Error{
		Line: e.line, Key: e.table, Read: "one more " + brackets(e.table),
		Allowed: fmt.Sprintf("there may be %d at most", most),
	}
}

// refused is the error for a value that was not taken.
func (e entry) refused(path string, secret bool, why *refusal) *Error {
	read := e.name + " = " + shown(e.raw, maxShown)
	switch {
	case secret:
		read = "the value of " + e.name
	case why.element != "":
		read = why.element + " in " + e.name
	}
	return &Error{Line: e.line, Key: path, Read: read, Allowed: why.allowed, Hint: why.hint}
}
