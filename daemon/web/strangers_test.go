package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/portsitter/portsitter/daemon"
)

// strangersScene is a page on which everything that others have a say in says the same.
func strangersScene(t testing.TB, said string) scene {
	s := readScene(t, "double-nat")
	p := &s.Status.Ports[0]
	p.Name, p.Headline, p.NextStep, p.Address, p.Code = said, said, said, said, daemon.Code(said)
	p.Verdict, p.Transport = daemon.Verdict(said), said
	for i := range p.Steps {
		p.Steps[i] = daemon.Step{ID: said, State: daemon.StepState(said), Summary: said, Detail: said, At: noon}
	}
	p.Mapping = &daemon.Mapping{Protocol: said, Internal: said, External: said, Owner: said, Holder: said}
	p.Outside = &daemon.Outside{State: said, At: &s.Status.At, AnsweredBy: said, Checker: said, Detail: said}
	p.Game = &daemon.Game{Listening: true, Process: said}
	s.Status.Ports = append(s.Status.Ports, *p)
	s.Status.Router.Name, s.Status.Router.Protocols = said, []string{said}
	s.Status.Route.Interface = said
	s.Status.Route.Candidates = []daemon.Candidate{{Gateway: s.Status.Route.Gateway, Interface: said, Rejected: said}}
	s.Status.Next.What, s.Status.Notices = said, []string{said}
	s.Status.Version = said
	s.History = []daemon.Event{{At: noon, Kind: said, Port: said, Code: daemon.Code(said), Text: said}}
	s.Days = daemon.Days{Ports: []daemon.PortDays{{Port: said, Days: []daemon.Day{{Date: said}}}}}
	s.Contacts = []daemon.Contact{{Whom: said, Why: said, When: said, Off: said}}
	return s
}

// skeleton is a page as a browser reads it, without its text: its elements, and what their attributes
// are called.
func skeleton(t testing.TB, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode && n.Type != html.CommentNode {
			continue
		}
		fmt.Fprintf(&b, "%v %s", n.Type, n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key)
			if a.Key == "href" || a.Key == "src" || a.Key == "action" {
				if u, err := url.Parse(a.Val); err != nil || u.Host != "" || u.Scheme != "" {
					t.Fatalf("an address leads away: %q", a.Val)
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestStrangersText: what routers, checkers and players say stays text, and tells nothing to the eye
// that is not there.
func TestStrangersText(t *testing.T) {
	const evil = "x</p><script>alert('x')</script>\" onclick=\"x\" javascript:x \x1b[31m\u202e{{main}}"
	for _, hidden := range []bool{true, false} {
		page := draw(t, strangersScene(t, evil), hidden)
		for _, bad := range []string{"<script>", "\x1b", "\u202e", `" onclick`} {
			if strings.Contains(page, bad) {
				t.Errorf("the page has %q", bad)
			}
		}
		if got, want := skeleton(t, page), skeleton(t, draw(t, strangersScene(t, "x"), hidden)); got != want {
			t.Errorf("the page has another skeleton:\n%s", firstDifference(got, want))
		}
		if n := strings.Count(page, "x&lt;/p&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34; onclick=&#34;x&#34; javascript:x [31m{{main}}"); n < 40 {
			t.Errorf("what they say is there only %d times", n)
		}
	}
}

// FuzzStrangersText: the page has the same skeleton whatever they say.
func FuzzStrangersText(f *testing.F) {
	f.Add("<svg><script>1</script>")
	f.Add("'\"><!-- http://evil.example")
	f.Add("203.0.113.7 [::1] \u2066")
	want := skeleton(f, draw(f, strangersScene(f, "x"), true))
	f.Fuzz(func(t *testing.T, said string) {
		said = strings.ReplaceAll(said, "http://", "") // that may become a link to a router
		if got := skeleton(t, draw(t, strangersScene(t, "x"+said), true)); got != want {
			t.Fatalf("another skeleton:\n%s", firstDifference(got, want))
		}
	})
}

// TestRouterLinks: the address of a router's menu can be clicked, no other can.
func TestRouterLinks(t *testing.T) {
	for said, want := range map[string]string{
		"Log in at http://192.168.1.1, then":      `at <a href="http://192.168.1.1">http://192.168.1.1</a>, then`,
		"at http://10.0.0.1: and http://10.0.0.2": `<a href="http://10.0.0.1">http://10.0.0.1</a>: and <a href="http://10.0.0.2">http://10.0.0.2</a>`,
		"Log in at http://203.0.113.7.":           "Log in at http://203.0.113.7.",
		"an http://":                              "an http://",
		"at http://fritz.box":                     "at http://fritz.box",
		"at http://192.168.1.1@evil.example":      `<a href="http://192.168.1.1">http://192.168.1.1</a>@evil.example`,
	} {
		s := readScene(t, "double-nat")
		s.Status.Ports[0].NextStep = said
		if page := draw(t, s, false); !strings.Contains(page, want) {
			t.Errorf("%q: no %s", said, want)
		}
	}
}
