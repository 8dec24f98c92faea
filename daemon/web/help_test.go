package web

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// TestHelpIsTheReadme: what /help shows is the README's section, copied with -update.
func TestHelpIsTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readme), "\r\n", "\n")
	begin := strings.Index(text, "## It says X. What now?\n")
	end := strings.Index(text[max(begin, 0):], "\n## ")
	if begin < 0 || end < 0 {
		t.Fatal("the README has no section “It says X. What now?”")
	}
	section := text[begin : begin+end+1]
	if *update {
		if err := os.WriteFile("assets/help.md", []byte(section), 0o644); err != nil {
			t.Fatal(err)
		}
		return // the new text is embedded in the next build
	}
	copied, err := assets.ReadFile("assets/help.md")
	if err != nil {
		t.Fatal(err)
	}
	if at := firstDifference(string(copied), section); at != "" {
		t.Errorf("assets/help.md is not the README's section (copy it with -update):\n%s", at)
	}
}

// TestHelp: every diagnosis that the page may link to has its place there.
func TestHelp(t *testing.T) {
	s, _ := newServer(t, Options{})
	page := ask(s, "GET", "/help", nil).Body.String()
	if size := len(page) + len(pageCSS); size > mostBytes {
		t.Errorf("%d bytes", size)
	}
	for name := range goldenScenes(t) {
		if code, isCode := strings.CutPrefix(name, "code-"); isCode && !strings.Contains(page, `<h3 id="`+code+`">`) {
			t.Errorf("nothing about %q", code)
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("a link leads to %q, which is not there", m[1])
		}
	}
	if left := regexp.MustCompile("\\*\\*|`|\\]\\(#|\n#").FindString(page); left != "" {
		t.Errorf("%q is left of the Markdown", left)
	}
}

func TestMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"## A\n\n### b-c\nOne\ntwo.": `<h2>A</h2><h3 id="b-c">b-c</h3><p>One two.</p>`,
		"`a <b>` **c** *d* [e](#f)":  `<p><code>a &lt;b&gt;</code> <strong>c</strong> <em>d</em> <a href="#f">e</a></p>`,
		"[e](https://x) and `open":   "<p>[e](https://x) and `open</p>",
		"<script>":                   "<p>&lt;script&gt;</p>",
		"":                           "",
		"#":                          `<h3 id></h3>`,
		"a\r\n\r\nb":                 "<p>a</p><p>b</p>",
		"**not closed":               "<p>**not closed</p>",
	} {
		if got := strings.ReplaceAll(fragment(t, text), "\n", ""); got != want {
			t.Errorf("%q: %s\nwant %s", text, got, want)
		}
	}
}

// fragment is what a text looks like in the page.
func fragment(t *testing.T, markdown string) string {
	t.Helper()
	return string(h.Skeleton{"", "x"}.Fill(map[string]h.Node{"x": paragraphs(markdown)}))
}

func FuzzMarkdown(f *testing.F) {
	f.Add("### a\n[b](#c)`d` **e**")
	f.Add("[](#)****``")
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := html.Parse(strings.NewReader(fragment(t, s)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode && !strings.Contains(" html head body h2 h3 p a code strong em ", " "+n.Data+" ") {
				t.Fatalf("%q makes <%s>", s, n.Data)
			}
		}
	})
}
