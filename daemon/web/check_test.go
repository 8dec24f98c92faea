package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/portsitter/portsitter/daemon"
)

func TestCheck(t *testing.T) {
	for _, row := range []struct {
		name, query, accept string
		hosting             bool
		status              int
		want                string // in the body, or the Location
		asked               string
	}{
		{"a program asks", "", "", false, http.StatusAccepted, `{"check":1}`, "false"},
		{"a form asks", "?port=Kaillera+P2P", "text/html", false, http.StatusSeeOther, "/", "Kaillera P2Pfalse"},
		{"a form asks, addresses shown", "?show=1", "text/html", false, http.StatusSeeOther, "/?show=1", "false"},
		{"somebody is hosting", "", "", true, http.StatusConflict, "Project64KSE.exe (pid 4242) holds the port", ""},
		{"somebody is hosting, a form asks", "?port=A+%26+B", "text/html", true, http.StatusSeeOther, "/?ask=A+%26+B", ""},
		{"of several ports", "?port=A&view=A&show=1", "text/html", false, http.StatusSeeOther, "/?show=1&view=A", "Afalse"},
		{"with a person's word", "?while_hosting=1", "", true, http.StatusAccepted, `{"check":1}`, "true"},
		{"no such port", "?port=nonsense", "", false, http.StatusNotFound, `there is no port "nonsense"`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			sitter := newSitter(readScene(t, "reachable"))
			sitter.hosting = row.hosting
			r := from(httptest.NewRequest(http.MethodPost, "http://localhost:27880/api/v1/check"+row.query, nil), "127.0.0.1", "127.0.0.1")
			r.Header.Set("Accept", row.accept)
			w := httptest.NewRecorder()
			New(sitter, Options{}).Handler().ServeHTTP(w, r)
			if w.Code != row.status || !strings.Contains(w.Body.String()+w.Header().Get("Location"), row.want) {
				t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
			}
			if got := strings.Join(sitter.asked, ","); got != row.asked {
				t.Errorf("asked %q, want %q", got, row.asked)
			}
		})
	}
}

// TestQuestionBeforeACheck: when the daemon has sent a form back because somebody hosts, the page tells
// what a check can do, and only the button beneath carries a person's word.
func TestQuestionBeforeACheck(t *testing.T) {
	for _, row := range []struct {
		name    string
		change  func(*daemon.Port)
		ask     string
		has, no string
	}{
		{"nobody hosts", func(p *daemon.Port) { p.Game = nil }, "", ">Check from outside</button>", "while_hosting"},
		{"somebody hosts", func(p *daemon.Port) { p.Game = &daemon.Game{Listening: true} }, "", ">Check from outside</button>", "while_hosting"},
		{"asked for", func(p *daemon.Port) { p.Game = nil }, "Kaillera P2P", "throw an opponent out", ">Check from outside</button>"},
		{"asked for, the way it is meant", func(p *daemon.Port) {}, "Kaillera P2P", "while_hosting=1", ">Check from outside</button>"},
		{"asked for another port", func(p *daemon.Port) {}, "Other", ">Check from outside</button>", "while_hosting"},
		{"checking", func(p *daemon.Port) {
			p.Outside = &daemon.Outside{State: "checking", Detail: "try 2 of 3", Checker: "https://checker.example/kaillera/p2p-check"}
		}, "", "try 2 of 3 · asking checker.example", "<form class=\"check\""},
		{"TCP", func(p *daemon.Port) { p.Transport = "tcp" }, "", "", "<form class=\"check\""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := readScene(t, "reachable")
			row.change(&s.Status.Ports[0])
			server := New(newSitter(s), Options{Now: nil})
			page := string(server.render(url.Values{"ask": {row.ask}}))
			if !strings.Contains(page, row.has) || strings.Contains(page, row.no) {
				t.Errorf("want %q and not %q in\n%s", row.has, row.no, page)
			}
		})
	}
}

func TestTakeOver(t *testing.T) {
	for _, row := range []struct {
		query, accept string
		status        int
		asked         string
	}{
		{"?port=Kaillera+P2P", "", http.StatusAccepted, "take over Kaillera P2P"},
		{"?port=Kaillera+P2P", "text/html", http.StatusSeeOther, "take over Kaillera P2P"},
		{"", "", http.StatusNotFound, ""},
		{"?port=free", "", http.StatusConflict, ""},
	} {
		sitter := newSitter(readScene(t, "reachable"))
		r := from(httptest.NewRequest(http.MethodPost, "http://localhost:27880/api/v1/takeover"+row.query, nil), "127.0.0.1", "127.0.0.1")
		r.Header.Set("Accept", row.accept)
		w := httptest.NewRecorder()
		New(sitter, Options{}).Handler().ServeHTTP(w, r)
		if got := strings.Join(sitter.asked, ","); w.Code != row.status || got != row.asked {
			t.Errorf("%s: %d %s, asked %q", row.query, w.Code, w.Body, got)
		}
	}
}

// TestTakeOverButton: it is offered where another device holds the port, and nowhere else.
func TestTakeOverButton(t *testing.T) {
	for code, want := range map[daemon.Code]bool{
		daemon.OtherExternalPort: true, daemon.PortTaken: true, daemon.OwnOldEntry: false, daemon.CodeReady: false,
	} {
		s := readScene(t, "reachable")
		s.Status.Ports[0].Code = code
		if got := strings.Contains(draw(t, s, false), "Take the port over"); got != want {
			t.Errorf("%s: button %t, want %t", code, got, want)
		}
	}
}
