package notify

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile is what a router's name or a player's nick may be made of.
const hostile = "@everyone @here <!channel> <@U1> <http://evil|x> **b** [l](http://evil) `c` \x1b[31m\r\nTitle: x \u202e\x00"

func TestHostileTextIsHarmless(t *testing.T) {
	n := sample()
	n.Ports[0].Name, n.Ports[0].Headline, n.Ports[0].NextStep = hostile, hostile, strings.Repeat(hostile, 100)
	n = n.cleaned()
	for _, kind := range []string{"generic", "discord", "slack", "gotify", "ntfy"} {
		m, ok := messageFor(kind, n)
		if !ok {
			t.Fatal(kind)
		}
		text := string(m.body)
		if kind != "ntfy" && !json.Valid(m.body) {
			t.Errorf("%s: no JSON: %s", kind, text)
		}
		if strings.ContainsAny(text, "\x1b\x00\r\u202e") || len(text) > 8<<10 {
			t.Errorf("%s: %q", kind, text)
		}
		for name, values := range m.header {
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n\x1b\x00") {
					t.Errorf("%s: header %s: %q", kind, name, v)
				}
			}
		}
	}
	m, _ := messageFor("discord", n)
	var discord struct{ Content string }
	if err := json.Unmarshal(m.body, &discord); err != nil {
		t.Fatal(err)
	}
	if utf8.RuneCountInString(discord.Content) > 2000 || strings.Contains(discord.Content, "@everyone") || strings.Contains(discord.Content, " **b**") {
		t.Errorf("Discord: %s", discord.Content)
	}
	m, _ = messageFor("slack", n)
	if text := string(m.body); strings.ContainsAny(text, "<>") || strings.Contains(text, "@here") {
		t.Errorf("Slack: %s", text)
	}
}

func TestTextOfTheNews(t *testing.T) {
	public := netip.MustParseAddr("203.0.113.7")
	ready := Port{Name: "Kaillera P2P", Verdict: "ready", Headline: "You can host", Address: "203.0.113.7:27886"}
	shut := Port{Name: "Other", Verdict: "not-ready", Headline: "The router does not answer", NextStep: "Switch on UPnP."}
	for _, row := range []struct {
		news   News
		title  string
		text   string
		urgent bool
	}{
		{News{Event: Verdict, Ports: []Port{ready}}, "Portsitter: Kaillera P2P", "You can host\nAddress: 203.0.113.7:27886", false},
		{News{Event: Verdict, Ports: []Port{ready, shut}}, "Portsitter",
			"Kaillera P2P: You can host\nAddress: 203.0.113.7:27886\nOther: The router does not answer\nSwitch on UPnP.", true},
		{News{Event: PublicAddress, Public: public}, "Portsitter", "The public address is 203.0.113.7.", false},
		{News{Event: Test, Ports: []Port{ready}}, "Portsitter: this is a test", "You can host\nAddress: 203.0.113.7:27886", false},
	} {
		if row.news.title() != row.title || row.news.text() != row.text || row.news.urgent() != row.urgent {
			t.Errorf("%q %q urgent %t, want %q %q", row.news.title(), row.news.text(), row.news.urgent(), row.title, row.text)
		}
	}
}

func FuzzCleaned(f *testing.F) {
	f.Add("Kaillera P2P", hostile)
	f.Add("\xff", "\u2028")
	f.Fuzz(func(t *testing.T, name, headline string) {
		n := News{Event: Verdict, Ports: []Port{{Name: name, Headline: headline}}}.cleaned()
		for _, kind := range []string{"generic", "discord", "slack", "gotify"} {
			if m, _ := messageFor(kind, n); !json.Valid(m.body) || strings.ContainsRune(string(m.body), 0x1b) {
				t.Errorf("%s: %q", kind, m.body)
			}
		}
		for _, e := range n.environment(n.Ports[0]) {
			if strings.Contains(e, "\x00") {
				t.Errorf("%q", e)
			}
		}
		parseAddress(headline)
		after(name)
	})
}
