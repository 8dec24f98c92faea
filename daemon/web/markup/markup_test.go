package markup

import (
	"embed"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

//go:embed testdata/skeleton.html
var files embed.FS

func written(n Node) string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func TestNodes(t *testing.T) {
	for _, row := range []struct {
		name string
		node Node
		want string
	}{
		{"text", Text(`<b>&"'`), "&lt;b&gt;&amp;&#34;&#39;"},
		{"an element", E("b", Text("x")), "<b>x</b>"},
		{"attributes stand first, wherever they are given", E("b", Text("x"), All(Class("c"), Text("y")), A("id", `"><i>`)), `<b class="c" id="&#34;&gt;&lt;i&gt;">xy</b>`},
		{"an attribute without a value", E("b", A("hidden", "")), "<b hidden></b>"},
		{"nothing", E("b", nil, All(nil, Text("x"))), "<b>x</b>"},
		{"an element without an end", E("meta", A("content", "2")), `<meta content="2">`},
		{"a block begins a line", E("p"), "\n<p></p>"},
		{"a constant", Raw("<i>x</i>"), "<i>x</i>"},
	} {
		if got := written(row.node); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"/":                         "/",
		"/?view=A+%26+B":            "/?view=A+%26+B",
		"?ask=x":                    "?ask=x",
		"#p0":                       "#p0",
		"https://example.org/x":     "https://example.org/x",
		"http://192.168.1.1":        "http://192.168.1.1",
		"http://[fd00::1]":          "http://[fd00::1]",
		"http://192.168.1.1/":       "#",
		"http://192.168.1.1:80":     "#",
		"http://203.0.113.7":        "#",
		"http://example.org":        "#",
		"http://192.168.1.1@evil":   "#",
		"//example.org":             "#",
		`/\example.org`:             "#",
		"/\t/example.org":           "#",
		"/\n/example.org":           "#",
		"javascript:alert(1)":       "#",
		"java\nscript:alert(1)":     "#",
		" javascript:alert(1)":      "#",
		"data:text/html,<script>":   "#",
		"HTTPS://example.org":       "#",
		"":                          "#",
		"x":                         "#",
		"vbscript:x":                "#",
		"https://example.org/a b":   "#",
		"https://example.org\\@x.y": "#",
	} {
		for _, name := range []Node{A("href", address), A("src", address), A("action", address)} {
			if got := name.(attribute).value; got != want {
				t.Errorf("%q leads to %q, want %q", address, got, want)
			}
		}
	}
}

func TestSkeleton(t *testing.T) {
	got := string(Load(files, "testdata/skeleton.html").Fill(map[string]Node{"title": Text("</title><script>"), "unknown": Text("no")}))
	if want := "<title>&lt;/title&gt;&lt;script&gt;</title>\n<main></main>\n"; strings.ReplaceAll(got, "\r", "") != want {
		t.Errorf("filled: %q", got)
	}
	if got := Load(files, "testdata/missing.html").Fill(nil); len(got) != 0 {
		t.Errorf("a missing file is %q", got)
	}
}

// FuzzEscaping: whatever a text or the value of an attribute is, a browser reads it back as just that.
func FuzzEscaping(f *testing.F) {
	f.Add(`</p><script>alert(1)</script>`, `" onclick="x`)
	f.Add("<!--", "&amp;&#x3c;")
	f.Add("<svg><![CDATA[", "'\x00\u2028`")
	f.Fuzz(func(t *testing.T, text, value string) {
		page := written(E("section", E("p", Text(text)), E("i", A("data-x", value), Text(text)), E("title", Text(text))))
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		tags := map[string]int{}
		for n := range doc.Descendants() {
			if n.Type == html.CommentNode || n.Type == html.DoctypeNode {
				t.Fatalf("%q became %v %q in %q", text, n.Type, n.Data, page)
			}
			if n.Type != html.ElementNode {
				continue
			}
			tags[n.Data]++
			switch {
			case n.Data == "p" && seen(inside(n)) != seen(text), n.Data == "i" && seen(inside(n)) != seen(text):
				t.Fatalf("%q is read as %q in %q", text, inside(n), page)
			case n.Data == "i" && (len(n.Attr) != 1 || seen(n.Attr[0].Val) != seen(value)):
				t.Fatalf("%q is read as %v in %q", value, n.Attr, page)
			}
		}
		for tag, n := range tags {
			if !strings.Contains(" html head body section p i title ", " "+tag+" ") || n != 1 {
				t.Fatalf("%d × <%s> in %q", n, tag, page)
			}
		}
	})
}

// seen is a text as far as HTML can hold it: there is no NUL in a page, and one kind of line end
// (WHATWG HTML standard, 13.2.3.5).
func seen(s string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "", "\ufffd", "").Replace(s)
}

func inside(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}
