package configs

import (
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The contract: these are the defaults that the documentation promises.
func TestDefault(t *testing.T) {
	want := Settings{
		Ports:  []Port{{Name: "Kaillera P2P", Port: 27886, ExternalPort: 27886, Transport: "udp", Game: "kaillera"}},
		Router: Router{Protocols: []string{"pcp", "nat-pmp", "upnp"}, Lease: time.Hour, ReadBack: time.Minute, OtherExternalPort: true},
		PublicIP: PublicIP{
			Router: true, STUNEvery: 30 * time.Minute, HTTPEvery: 6 * time.Hour,
			HTTP: []string{"https://api.smash64.online/kaillera/get-ip"},
			STUN: []string{"stun.cloudflare.com:3478", "stun.l.google.com:19302"},
		},
		Checker: Checker{URLs: []string{"https://api.smash64.online/kaillera/p2p-check"}, StandIn: true, Automatic: true},
		Page:    Page{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:27880")}, HideAddress: true},
		Log:     Log{Level: "info"},
	}
	if got := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTemplateEqualsDefault(t *testing.T) {
	got, err := Parse("", Template())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, Default()) {
		t.Errorf("got  %+v\nwant %+v", got, Default())
	}
}

// Leaving a key out equals writing its line: every key of the file is taken away once.
func TestLeavingOutEqualsWriting(t *testing.T) {
	lines := strings.SplitAfter(string(Template()), "\n")
	taken := 0
	for i, line := range lines {
		if !isKey.MatchString(line) {
			continue
		}
		taken++
		got, err := Parse("", []byte(strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "")))
		if err != nil || !reflect.DeepEqual(got, Default()) {
			t.Errorf("without %s%+v, %v", line, got, err)
		}
	}
	if taken < 25 {
		t.Errorf("only %d keys were taken away", taken)
	}
}

var (
	isKey     = regexp.MustCompile(`(?m)^[a-z_]+ = `)
	isExample = regexp.MustCompile(`(?m)^#([a-z_]+ =|\[)`) // "# text" is a remark, "#key =" an example
)

func withExamples() string {
	return isExample.ReplaceAllString(string(Template()), "$1")
}

func TestExamplesInTemplate(t *testing.T) {
	got, err := Parse("", []byte(withExamples()))
	if err != nil {
		t.Fatal(err)
	}
	second := Port{Name: "My other game", Port: 27900, ExternalPort: 27900, Transport: "udp", Game: "any"}
	if len(got.Ports) != 2 || got.Ports[1] != second {
		t.Errorf("ports: %+v", got.Ports)
	}
	// What the example says about kind is what leaving it out means.
	short, err := Parse("", []byte("[[notify.webhook]]\nurl = \"https://example.com/hook\"\n"))
	if err != nil || !slices.Equal(got.Notify.Webhooks, short.Notify.Webhooks) {
		t.Errorf("webhooks of the example %+v, of the shortest entry %+v, %v", got.Notify.Webhooks, short.Notify.Webhooks, err)
	}
}

// The template has every key of the vocabulary, in its order, and no other.
func TestTemplateHasEveryKey(t *testing.T) {
	want := vocabulary()
	doc, err := decode(withExamples())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range doc.entries {
		if path := dotted(e.table, e.name); e.name != "" && !slices.Contains(got, path) {
			got = append(got, path)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the template has %q\nthe vocabulary   %q", got, want)
	}
}

// vocabulary gives all keys in the order that Encode writes them.
func vocabulary() []string {
	s := Settings{Ports: make([]Port, 1), Notify: Notify{Webhooks: make([]Webhook, 1)}}
	var keys []string
	table := ""
	for line := range strings.Lines(string(s.Encode())) {
		if name, _, ok := strings.Cut(line, " = "); ok {
			keys = append(keys, table+"."+name)
		} else if name := strings.Trim(line, "[]\n"); name != "" {
			table = name
		}
	}
	return keys
}

// Every exported field has its key, and every key its field: "STUNEvery" is "stun_every".
func TestEveryFieldHasAKey(t *testing.T) {
	var got []string
	for _, key := range vocabulary() {
		got = append(got, strings.ReplaceAll(key, "_", ""))
	}
	want := fieldPaths(reflect.TypeFor[Settings](), "")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("keys   %q\nfields %q", got, want)
	}
}

func fieldPaths(typ reflect.Type, prefix string) []string {
	var paths []string
	for _, f := range reflect.VisibleFields(typ) {
		path, elem := prefix+strings.ToLower(f.Name), f.Type
		if elem.Kind() == reflect.Slice && elem.Elem().PkgPath() == typ.PkgPath() {
			path, elem = strings.TrimSuffix(path, "s"), elem.Elem() // Ports is [[port]]
		}
		switch {
		case path == "source":
		case elem.Kind() == reflect.Struct && elem.PkgPath() == typ.PkgPath():
			paths = append(paths, fieldPaths(elem, path+".")...)
		default:
			paths = append(paths, path)
		}
	}
	return paths
}

func TestTemplateIsPleasant(t *testing.T) {
	for i, line := range strings.Split(string(Template()), "\n") {
		if len(line) > 100 || strings.TrimRight(line, " ") != line || strings.ContainsAny(line, "\t\r") {
			t.Errorf("line %d is too long or has white space that cannot be seen: %q", i+1, line)
		}
	}
}
