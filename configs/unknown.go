package configs

import "strings"

// unknownTable is the error for a table that there is not.
func (r *reader) unknownTable(e entry) *Error {
	names := r.tableNames()
	hint := didYouMean(e.table, names, brackets)
	if hint == "" {
		for i, name := range names {
			names[i] = brackets(name)
		}
		hint = "there are " + strings.Join(names, ", ")
	}
	return &Error{
		Line: e.line, Key: shown(e.table, maxShown),
		Read: "unknown table [" + shown(e.table, maxShown) + "]", Hint: hint,
	}
}

// unknownKey is the error for a key that its table does not have.
func (r *reader) unknownKey(e entry, keys []key) *Error {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	where, hint := " in "+brackets(e.table), didYouMean(e.name, names, quote)
	otherwise := "there are " + strings.Join(names, ", ")
	if e.table == "" {
		where, hint = " above the first [table]", didYouMean(e.name, r.tableNames(), brackets)
		otherwise = "every key stands below the line of its [table]"
	}
	if home := r.homeOf(e.name); hint == "" && home != "" {
		hint = "it belongs below " + brackets(home)
	}
	if hint == "" {
		hint = otherwise
	}
	name := shown(e.name, maxShown)
	if !strings.HasPrefix(name, `"`) {
		name = `"` + name + `"`
	}
	return &Error{
		Line: e.line, Key: shown(dotted(e.table, e.name), maxShown),
		Read: "unknown key " + name + where, Hint: hint,
	}
}

// tableNames gives the names of all tables, in the order of the file.
func (r *reader) tableNames() []string {
	names := []string{portTable}
	for _, t := range r.tables {
		names = append(names, t.name)
	}
	return append(names, webhookTable)
}

// homeOf gives the table that has a key of this name, "" if none has.
func (r *reader) homeOf(name string) string {
	all := append([]table{{portTable, portKeys(&Port{})}}, r.tables...)
	all = append(all, table{webhookTable, webhookKeys(&Webhook{})})
	for _, t := range all {
		for _, k := range t.keys {
			if k.name == name {
				return t.name
			}
		}
	}
	return ""
}

// brackets writes a table's name as in the file.
func brackets(name string) string {
	if name == portTable || name == webhookTable {
		return "[[" + name + "]]"
	}
	return "[" + name + "]"
}
