package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// docs/api.md is held against the program: every route, every field with its type, every metric, and
// what every example answers.

// apiDocs are the sections of docs/api.md by their headings.
func apiDocs(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n## ")[1:] {
		heading, body, _ := strings.Cut(s, "\n")
		sections[heading] = body
	}
	return sections
}

func TestDocsNameEveryRoute(t *testing.T) {
	s, _ := newServer(t, Options{})
	docs := apiDocs(t)
	forPeople := []string{"GET /{$}", "GET /help", "GET /page.css", "GET /page.js", "GET /favicon.svg"}
	for pattern := range s.routes() {
		if _, told := docs[pattern]; told == slices.Contains(forPeople, pattern) {
			t.Errorf("%q: in docs/api.md: %t", pattern, told)
		}
		delete(docs, pattern)
	}
	for heading := range docs {
		t.Errorf("docs/api.md tells of %q, and there is no such route", heading)
	}
}

// fields lists the keys that JSON of a type can have, by path, with the type that docs/api.md names.
func fields(t reflect.Type, path string, into map[string]string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			path += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || plainTypes[t] != "" {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		optional := ""
		if strings.HasPrefix(options, "omit") {
			optional = "?"
		}
		into[at] = typeName(f.Type) + optional
		fields(f.Type, at, into)
	}
}

var plainTypes = map[reflect.Type]string{
	reflect.TypeFor[time.Time](): "time", reflect.TypeFor[netip.Addr](): "text",
}

func typeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name := plainTypes[t]; name != "" {
		return name
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "bool"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Struct, reflect.Map:
		return "object"
	}
	return "number"
}

var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\|")

func TestDocsNameEveryField(t *testing.T) {
	docs := apiDocs(t)
	for section, typ := range map[string]reflect.Type{
		"GET /api/v1/status":  reflect.TypeFor[daemon.Status](),
		"GET /api/v1/history": reflect.TypeFor[[]daemon.Event](),
		"GET /api/v1/days":    reflect.TypeFor[daemon.Days](),
	} {
		can := map[string]string{}
		fields(typ, "", can)
		told := map[string]string{}
		for _, m := range tableRow.FindAllStringSubmatch(docs[section], -1) {
			told[m[1]] = m[2]
		}
		for path, kind := range can {
			if told[path] != kind {
				t.Errorf("%s: %q is %q, docs/api.md says %q", section, path, kind, told[path])
			}
		}
		for path := range told {
			if can[path] == "" {
				t.Errorf("%s: docs/api.md tells of %q, and there is no such field", section, path)
			}
		}
	}
}

func TestDocsNameEveryMetric(t *testing.T) {
	s, sitter := newServer(t, Options{})
	*sitter.Status() = documentedStatus(t)
	can := map[string]string{}
	labels := map[string]map[string]bool{}
	name := regexp.MustCompile(`^(\w+)(?:\{(.*)\})? `)
	for line := range strings.Lines(ask(s, "GET", "/metrics", nil).Body.String()) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == "TYPE" {
			can[f[2]], labels[f[2]] = f[3], map[string]bool{}
		}
		if m := name.FindStringSubmatch(line); m != nil {
			for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[2], -1) {
				labels[m[1]][l[1]] = true
			}
		}
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([^|]*)\\|").FindAllStringSubmatch(apiDocs(t)["GET /metrics"], -1) {
		told[m[1]] = true
		want := slices.Sorted(maps.Keys(labels[m[1]]))
		got := strings.FieldsFunc(m[3], func(r rune) bool { return r == ' ' || r == ',' })
		slices.Sort(got)
		if can[m[1]] != m[2] || !slices.Equal(got, want) {
			t.Errorf("%s is a %s with labels %q; docs/api.md says %s with %q", m[1], can[m[1]], want, m[2], got)
		}
	}
	for metric := range can {
		if !told[metric] {
			t.Errorf("docs/api.md does not tell of %s", metric)
		}
	}
}

// example is one ```http block of docs/api.md: a request, and what it answers.
type example struct{ method, target, status, body string }

var exampleBlock = regexp.MustCompile("(?s)```http\n(\\S+) (\\S+)\n\n([^\n]+)\n(.*?)\n```")

func examples(section string) []example {
	var out []example
	for _, m := range exampleBlock.FindAllStringSubmatch(section, -1) {
		out = append(out, example{m[1], m[2], m[3], m[4]})
	}
	return out
}

// documented reads the example answer of a route, and finds keys that no such answer has.
func documented[T any](t *testing.T, section string) (v T) {
	t.Helper()
	es := examples(apiDocs(t)[section])
	if len(es) == 0 {
		t.Fatalf("no example of %s", section)
	}
	d := json.NewDecoder(strings.NewReader(es[0].body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("the example of %s: %v", section, err)
	}
	return v
}

func documentedStatus(t *testing.T) daemon.Status {
	return documented[daemon.Status](t, "GET /api/v1/status")
}

// TestDocsExamples sends every request of docs/api.md to a server that knows what its examples say:
// each has to answer what stands there, or for a text, what it begins with.
func TestDocsExamples(t *testing.T) {
	count := 0
	for heading, section := range apiDocs(t) {
		es := examples(section)
		if len(es) == 0 {
			t.Errorf("no example of %s", heading)
		}
		for _, e := range es {
			count++
			s, sitter := newServer(t, Options{})
			*sitter.Status() = documentedStatus(t)
			sitter.history = documented[[]daemon.Event](t, "GET /api/v1/history")
			sitter.days = documented[daemon.Days](t, "GET /api/v1/days")
			sitter.asked = make([]string, 6) // so that the next check is the seventh
			w := askBriefly(s, e.method, e.target)
			if got := fmt.Sprintf("%d %s", w.Code, w.Header().Get("Content-Type")); got != e.status {
				t.Errorf("%s %s answers %q, docs/api.md says %q", e.method, e.target, got, e.status)
			}
			begin, cut := strings.CutSuffix(e.body, "…")
			switch body := w.Body.String(); {
			case cut || !strings.Contains(e.status, "json"):
				if !strings.HasPrefix(body, begin) {
					t.Errorf("%s %s answers\n%.300s\ndocs/api.md says\n%s", e.method, e.target, body, e.body)
				}
			case !sameJSON(body, e.body):
				t.Errorf("%s %s answers\n%s\ndocs/api.md says\n%s", e.method, e.target, body, e.body)
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d examples", count)
	}
}

// askBriefly is ask for an answer that may have no end.
func askBriefly(s *Server, method, target string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	r := from(httptest.NewRequestWithContext(ctx, method, "http://localhost"+target, nil), "127.0.0.1", "127.0.0.1")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// sameJSON compares two JSON texts, whatever their layout.
func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

// TestDocsExampleIsWhole: the example of the status shows every field.
func TestDocsExampleIsWhole(t *testing.T) {
	can := map[string]string{}
	fields(reflect.TypeFor[daemon.Status](), "", can)
	b, err := json.Marshal(documentedStatus(t))
	if err != nil {
		t.Fatal(err)
	}
	for path := range can {
		key := path[strings.LastIndexByte(path, '.')+1:]
		if !bytes.Contains(b, []byte(`"`+key+`":`)) {
			t.Errorf("the example of the status has no %q", path)
		}
	}
}
