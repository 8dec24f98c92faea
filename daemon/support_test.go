package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestMask(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"kinds", "11.77.0.2 192.168.1.23 100.64.3.4 10.0.0.1 203.0.113.7", "public-1 private-1 carrier-nat-1 private-2 other-1"},
		{"the same word", "11.77.0.2:27886 -> 192.168.1.23:27886, 11.77.0.2.", "public-1:27886 -> private-1:27886, public-1."},
		{"nobody's", "127.0.0.1:27880 0.0.0.0 255.255.255.255 239.255.255.250:1900 ::1 :: 169.254.3.4", "127.0.0.1:27880 0.0.0.0 255.255.255.255 239.255.255.250:1900 ::1 :: 169.254.3.4"},
		{"in a URL", "http://192.168.1.1:5000/rootDesc.xml", "http://private-1:5000/rootDesc.xml"},
		{"leading zeros", "192.168.001.001 192.168.1.1", "private-1 private-1"},
		{"behind a letter", "from=11.77.0.2 ip11.77.0.2", "from=public-1 ippublic-1"},
		{"no address", "1.2.3 version 1.4.0 300.1.1.1 at 12:00:05 on 2026-11-20T11:59:10Z, 50:50", "1.2.3 version 1.4.0 300.1.1.1 at 12:00:05 on 2026-11-20T11:59:10Z, 50:50"},
		{"IPv6", "2001:4860:4860::8888 fd00::23 [2001:4860:4860::8888]:443", "public-1 private-1 [public-1]:443"},
		{"IPv6 as one of IPv4", "::ffff:192.168.1.23 192.168.1.23", "private-1 private-1"},
		{"link-local", "fe80::1ff:fe23:4567:890a%eth0", "link-local-1%eth0"},
		{"hardware", "aa:bb:cc:dd:ee:ff AA-BB-CC-DD-EE-FF", "mac-1 mac-1"},
		{"UPnP names", "uuid:75802409-bccb-40e7-8e6c-fa163e2a2f1b::upnp:rootdevice", "uuid:uuid-1::upnp:rootdevice"},
		{"names", "GamePC and gamepc.local, gamepc2, alice's", "host-1 and host-1.local, gamepc2, user-1's"},
		{"longest name first", "gamepc.fritz.box", "host-1"},
		{"home on Linux", "/home/bob/x and /home/bob is there", "/home/user-1/x and /home/user-1 is there"},
		{"home on Windows", `C:\Users\Bob Smith\x C:\\Users\\Bob Smith\\x`, `C:\Users\user-1\x C:\\Users\\user-1\\x`},
		{"other letters", "Größter Router in Köln: 11.77.0.2", "Größter Router in Köln: public-1"},
		{"end of text", "11.77.0.", "11.77.0."},
	} {
		m := newMasker([]string{"GamePC", "localhost", "gamepc.fritz.box"}, []string{"alice", "root", "pc"})
		if got := m.text(row.text); got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.name, got, row.want)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("a 11.77.0.2 fe80::1%eth0 aa:bb:cc:dd:ee:ff /home/x")
	f.Add(`\Users\ [::ffff:1.2.3.4]:5`)
	f.Fuzz(func(t *testing.T, text string) {
		got := newMasker([]string{"gamepc"}, []string{"alice"}).text(text + " 11.77.0.2 ")
		if strings.Contains(got, " 11.77.0.2 ") {
			t.Errorf("%q keeps the address", got)
		}
	})
}

// supportStatus has in every text of a stranger's what a terminal must never see, and an address.
func supportStatus() *Status {
	const bad = "11.77.0.2\x1b[2J\r\n## Log\u202e"
	at := time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)
	public, gateway, local := netip.MustParseAddr("11.77.0.2"), netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("192.168.1.23")
	return &Status{
		Version: "0.1.0", Pass: 42, At: at, Started: at.Add(-time.Hour), Demo: true,
		Route: &Route{Gateway: gateway, Local: local, Interface: "eth0", Candidates: []Candidate{
			{Gateway: gateway, Interface: "eth0"}, {Gateway: netip.MustParseAddr("10.8.0.1"), Interface: "tun0", Rejected: "a VPN"}}},
		Router:          &Router{Name: bad, Protocols: []string{"pcp", "upnp"}, ExternalIP: &public, BootedAt: &at},
		PublicIP:        &PublicIP{Address: public, Kind: "public", Sources: map[string]netip.Addr{"router": public, "stun": public}, Since: at},
		PublicIPChanges: 3,
		Ports: []Port{{
			Name: "Kaillera P2P", Port: 27886, Transport: "udp", Verdict: Ready, Code: CodeReady,
			Headline: "You can host: tell your opponent 11.77.0.2:27886", NextStep: bad, Address: "11.77.0.2:27886",
			Steps: []Step{{ID: StepNetwork, State: StepOK, Summary: "This PC is 192.168.1.23", Detail: bad}},
			Mapping: &Mapping{Protocol: "pcp", Internal: "192.168.1.23:27886", External: "11.77.0.2:27886", Lease: 3600, Expires: &at, Verified: &at, Owner: "ours",
				Holder: "192.168.1.9", Upstream: &Upstream{Gateway: netip.MustParseAddr("192.168.0.1"), Protocol: "upnp", External: "11.77.0.2:27886"}},
			Game:    &Game{Listening: true, PID: 4242, Process: bad},
			Outside: &Outside{ID: 7, State: "reachable", AnsweredBy: "game", Detail: bad},
			Totals:  Totals{Grants: 2, Renewals: 35, Shut: 12},
		}},
		Next: &Next{At: at, What: bad}, Notices: []string{bad},
	}
}

func TestSupportText(t *testing.T) {
	s := Support{
		Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Version: "0.1.0", System: "linux/amd64 on gamepc",
		Settings: "[router]\nupstream = true", Status: supportStatus(), Hosts: []string{"gamepc"}, Users: []string{"alice"},
		Log: []string{"level=INFO msg=mapped external=11.77.0.2:27886 file=/home/alice/x"},
	}
	for i := range 60 {
		s.Events = append(s.Events, Event{At: s.Now.Add(time.Duration(i) * time.Second), Kind: "verdict", Text: "11.77.0.2 is reachable", Shut: int64(i)})
	}
	hidden := SupportText(s)
	for _, secret := range []string{"11.77.0.2", "192.168.", "10.8.0.1", "gamepc", "alice"} {
		if strings.Contains(hidden, secret) {
			t.Errorf("%q is in the masked text", secret)
		}
	}
	s.ShowAddresses = true
	shown := SupportText(s)
	for name, words := range map[string]string{
		"version": "0.1.0", "settings": "upstream = true", "way out": "192.168.1.23 on eth0, gateway 192.168.1.1", "candidate": "10.8.0.1 on tun0: a VPN",
		"protocols": "answers pcp, upnp", "sources": "stun says 11.77.0.2", "changes": "changed 3 times", "verdict": "ready: You can host", "ladder": "network: This PC is",
		"mapping": "11.77.0.2:27886 leads to 192.168.1.23:27886; pcp, owner ours, lease 3600 s, holder 192.168.1.9", "second router": "second router 192.168.0.1 by upnp",
		"game": "(pid 4242)", "outside": "check 7: reachable game", "counts": "35 renewals", "events": "Last 50 events", "shut": "(it was shut for 59 s)", "log": "msg=mapped",
	} {
		if !strings.Contains(shown, words) {
			t.Errorf("%s: %q is not in\n%s", name, words, shown)
		}
	}
	for _, text := range []string{hidden, shown} {
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("%U is in the text", r)
			}
		}
		if n := strings.Count(text, "\n## Log"); n != 1 {
			t.Errorf("%d headings of the log: a stranger's text has made one", n)
		}
		if strings.Count(text, "(it was shut for") != 50 {
			t.Error("not the last 50 events")
		}
	}
}

func TestSupportTextOfNothing(t *testing.T) {
	got := SupportText(Support{Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)})
	if !strings.Contains(got, "Portsitter is not running") || !strings.Contains(got, "Last 0 events") {
		t.Errorf("got\n%s", got)
	}
	SupportText(Support{Status: &Status{Ports: []Port{{}}}})
}
