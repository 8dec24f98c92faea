package notify

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"
)

// message is what one kind of receiver is sent, by POST.
type message struct {
	body   []byte
	header http.Header
}

// messageFor writes the news as one kind of receiver wants them. ok is false for a kind that there
// is not.
func messageFor(kind string, n News) (m message, ok bool) {
	switch kind {
	case "generic":
		return asJSON(n.generic()), true
	case "discord":
		return n.discord(), true
	case "slack":
		return n.slack(), true
	case "gotify":
		return n.gotify(), true
	case "ntfy":
		return n.ntfy(), true
	}
	return message{}, false
}

func asJSON(v any) message {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // some receivers show < as it is written
	_ = e.Encode(v)        // plain structs: cannot go wrong
	return message{b.Bytes(), http.Header{"Content-Type": {"application/json"}}}
}

type genericPort struct {
	Name      string `json:"name"`
	Port      uint16 `json:"port"`
	Transport string `json:"transport"`
	Verdict   string `json:"verdict"`
	Code      string `json:"code"`
	Headline  string `json:"headline"`
	NextStep  string `json:"next_step,omitempty"`
	Address   string `json:"address,omitempty"`
}

type generic struct {
	Event    string        `json:"event"`
	At       time.Time     `json:"at"`
	Title    string        `json:"title"`
	Text     string        `json:"text"`
	Public   string        `json:"public_address,omitempty"`
	Previous string        `json:"previous_public_address,omitempty"`
	Ports    []genericPort `json:"ports"`
}

func (n News) generic() generic {
	g := generic{Event: n.Event, At: n.At.UTC(), Title: n.title(), Text: n.text(), Ports: []genericPort{}}
	if n.Public.IsValid() {
		g.Public = n.Public.String()
	}
	if n.Previous.IsValid() {
		g.Previous = n.Previous.String()
	}
	for _, p := range n.Ports {
		g.Ports = append(g.Ports, genericPort(p))
	}
	return g
}

// suppressEmbeds is Discord's message flag 1<<2: an address in the text becomes no preview.
const suppressEmbeds = 1 << 2

// discord is "Execute Webhook" of Discord's documentation. An empty allowed_mentions.parse pings
// nobody, whatever the text holds.
func (n News) discord() message {
	type mentions struct {
		Parse []string `json:"parse"`
	}
	return asJSON(struct {
		Username string   `json:"username"`
		Content  string   `json:"content"`
		Mentions mentions `json:"allowed_mentions"`
		Flags    int      `json:"flags"`
	}{"Portsitter", cut("**"+escapeMarkdown(n.title())+"**\n"+escapeMarkdown(n.text()), 1990), mentions{[]string{}}, suppressEmbeds})
}

// escapeMarkdown makes Discord show a text as it is. The space of width zero behind @ is for
// clients that colour what looks like a mention.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\*_~`|>#[]()<-", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if r == '@' {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}

// slack is an incoming webhook of Slack, or of Mattermost and Rocket.Chat, which take the same.
// Without &, < and > there is no link and no mention in Slack's markup.
func (n News) slack() message {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b")
	return asJSON(struct {
		Text     string `json:"text"`
		Markdown bool   `json:"mrkdwn"`
		Links    bool   `json:"link_names"`
		Unfurl   bool   `json:"unfurl_links"`
	}{Text: escape.Replace(n.title() + "\n" + n.text())})
}

// gotify is "Create a message" of Gotify's API; the token stands in the address.
func (n News) gotify() message {
	priority := 5
	if n.urgent() {
		priority = 8
	}
	return asJSON(struct {
		Title    string `json:"title"`
		Message  string `json:"message"`
		Priority int    `json:"priority"`
	}{n.title(), n.text(), priority})
}

// ntfy is "Publishing" of ntfy's documentation: the text is the body, the rest are headers, which it
// takes in the encoding of RFC 2047 where they are not ASCII.
func (n News) ntfy() message {
	m := message{[]byte(n.text()), http.Header{"Content-Type": {"text/plain; charset=utf-8"}}}
	m.header.Set("Title", mime.BEncoding.Encode("utf-8", n.title()))
	m.header.Set("Tags", "satellite")
	if n.urgent() {
		m.header.Set("Tags", "warning")
		m.header.Set("Priority", "high")
	}
	return m
}
