package firewall

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
)

var game = Question{Transport: "udp", Port: 27886, Local: netip.MustParseAddr("192.168.1.23"), Interface: "eth0"}

func (q Question) packet() packet {
	return packet{transport: q.Transport, port: q.Port, local: q.Local, device: q.Interface}
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// nft puts rules into the chain of an inet table, in nft's JSON.
func nft(policy string, rules ...string) string {
	b := strings.Builder{}
	b.WriteString(`{"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"inet","name":"filter","handle":1}},` +
		`{"set":{"family":"inet","name":"lan","table":"filter","type":"ipv4_addr","elem":[{"prefix":{"addr":"192.168.0.0","len":16}}]}},` +
		`{"set":{"family":"inet","name":"bad","table":"filter","type":"ipv4_addr","elem":["203.0.113.9",{"range":["198.51.100.1","198.51.100.9"]}]}},` +
		`{"chain":{"family":"inet","table":"filter","name":"input","handle":1,"type":"filter","hook":"input","prio":0,"policy":"` + policy + `"}},` +
		`{"chain":{"family":"inet","table":"filter","name":"game","handle":2}}`)
	for _, r := range rules {
		chain := "input"
		if rest, ok := strings.CutPrefix(r, "game: "); ok {
			chain, r = "game", rest
		}
		b.WriteString(`,{"rule":{"family":"inet","table":"filter","chain":"` + chain + `","handle":7,"expr":[` + r + `]}}`)
	}
	return b.String() + "]}"
}

const (
	accept  = `{"accept":null}`
	drop    = `{"drop":null}`
	ourPort = `{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":27886}},`
)

func saddr(op, what string) string {
	return `{"match":{"op":"` + op + `","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":` + what + `}},`
}

func meta(key, what string) string {
	return `{"match":{"op":"==","left":{"meta":{"key":"` + key + `"}},"right":` + what + `}},`
}

func TestKernelNFT(t *testing.T) {
	for _, test := range []struct {
		name    string
		listing string
		want    State
	}{
		{"no rules", `{"nftables":[{"metainfo":{"version":"1.0.6"}}]}`, Allows},
		{"policy accept", nft("accept"), Allows},
		{"policy drop", nft("drop"), Blocks},
		{"open", nft("drop", ourPort+accept), Allows},
		{"open after a drop of everything", nft("drop", drop, ourPort+accept), Blocks},
		{"reject at the end", nft("accept", `{"reject":{"type":"icmpx","expr":"admin-prohibited"}}`), Blocks},
		{"another port", nft("drop", `{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":27887}},`+accept), Blocks},
		{"the same port by TCP", nft("drop", `{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":27886}},`+accept), Blocks},
		{"another than the same port by TCP", nft("drop", `{"match":{"op":"!=","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":22}},`+accept), Blocks},
		{"a set of ports", nft("drop", `{"match":{"op":"==","left":{"payload":{"protocol":"th","field":"dport"}},"right":{"set":[53,{"range":[27000,28000]}]}}},`+accept), Allows},
		{"ports from", nft("drop", `{"match":{"op":">=","left":{"payload":{"protocol":"udp","field":"dport"}},"right":1024}},`+accept), Allows},
		{"ports below", nft("drop", `{"match":{"op":"<","left":{"payload":{"protocol":"udp","field":"dport"}},"right":1024}},`+accept), Blocks},
		{"from the home only", nft("drop", saddr("==", `"@lan"`)+ourPort+accept), Blocks},
		{"not from the home", nft("drop", saddr("!=", `"@lan"`)+ourPort+accept), Allows},
		{"a list of bad addresses", nft("accept", saddr("==", `"@bad"`)+drop), Allows},
		{"a list that is not told", nft("accept", saddr("==", `"@nowhere"`)+drop), Unknown},
		{"half of the internet", nft("drop", saddr("==", `{"prefix":{"addr":"0.0.0.0","len":1}}`)+accept), Unknown},
		{"all of the internet", nft("drop", saddr("==", `{"prefix":{"addr":"0.0.0.0","len":0}}`)+accept), Allows},
		{"to another address", nft("accept", `{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":"192.168.1.24"}},`+drop), Allows},
		{"to us", nft("accept", `{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":"192.168.1.23"}},`+drop), Blocks},
		{"IPv6 only", nft("accept", meta("nfproto", `"ipv6"`)+drop), Allows},
		{"our interface", nft("drop", meta("iifname", `"eth0"`)+accept), Allows},
		{"another interface", nft("drop", meta("iifname", `"wg*"`)+accept), Blocks},
		{"loopback", nft("drop", meta("iifname", `"lo"`)+accept), Blocks},
		{"answers only", nft("drop", `{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}},`+accept), Blocks},
		{"a limit", nft("drop", ourPort+`{"limit":{"rate":5,"per":"second"}},`+accept), Unknown},
		{"a mark", nft("accept", meta("mark", "5")+drop), Unknown},
		{"what is yet to come", nft("accept", `{"teleport":{}}`), Unknown},
		{"what is yet to come, after the port was opened", nft("drop", ourPort+accept, `{"teleport":{}}`), Allows},
		{"redirected", nft("accept", ourPort+`{"redirect":{"port":5}}`), Unknown},
		{"a jump that opens", nft("drop", `{"jump":{"target":"game"}}`, "game: "+ourPort+accept), Allows},
		{"a jump that comes back", nft("accept", `{"jump":{"target":"game"}}`, drop, "game: "+`{"return":null}`), Blocks},
		{"a goto that does not come back", nft("accept", `{"goto":{"target":"game"}}`, drop), Allows},
		{"a jump to nowhere", nft("accept", `{"jump":{"target":"away"}}`), Unknown},
		{"a loop", nft("accept", `{"jump":{"target":"game"}}`, `game: {"jump":{"target":"game"}}`), Unknown},
		{"a map", nft("drop", `{"vmap":{"key":{"meta":{"key":"iifname"}},"data":{"set":[["wg0",{"drop":null}],["eth0",{"jump":{"target":"game"}}]]}}}`, "game: "+accept), Allows},
		{"a map of states", nft("accept", `{"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[["invalid",{"drop":null}],["established",{"accept":null}]]}}}`), Allows},
		{"real, our own mixture", file(t, "own.nft.json"), Allows},
		{"ufw without iptables", file(t, "ufw.nft.json"), Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := kernelReport(listings{nft: test.listing}, game, game.packet())
			if r.State != test.want {
				t.Errorf("%+v, want %s", r, test.want)
			}
			if r.State == Blocks && (r.Next == "" || r.Rule == "") {
				t.Errorf("%+v: no rule or nothing to do", r)
			}
		})
	}
}

func TestKernelTogether(t *testing.T) {
	ufw, open, alien := file(t, "ufw.iptables"), file(t, "ufw-open.iptables"), file(t, "ufw.nft.json")
	for _, test := range []struct {
		name string
		l    listings
		q    Question
		want Report
	}{
		{"ufw shuts", listings{nft: alien, iptables: ufw}, game,
			Report{State: Blocks, Firewall: "ufw", Rule: "iptables filter INPUT, policy drop", Next: "sudo ufw insert 1 allow 27886/udp"}},
		{"ufw is open", listings{nft: alien, iptables: open}, game,
			Report{State: Allows, Firewall: "ufw", Rule: "iptables filter ufw-user-input: -A ufw-user-input -p udp -m udp --dport 27886 -j ACCEPT", Next: ""}},
		{"ufw opens TCP", listings{nft: alien, iptables: ufw}, Question{Transport: "tcp", Port: 22, Local: game.Local, Interface: "eth0"},
			Report{State: Allows, Firewall: "ufw", Rule: "iptables filter ufw-user-input: -A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT", Next: ""}},
		{"ufw limits", listings{nft: alien, iptables: ufw}, Question{Transport: "udp", Port: 5500, Local: game.Local, Interface: "eth0"},
			Report{State: Unknown, Firewall: "ufw", Rule: "iptables filter ufw-user-limit: -A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable",
				Next: "sudo ufw insert 1 allow 5500/udp", Why: "whether this rule is about the packet depends on what cannot be known beforehand"}},
		{"denied on the other interface", listings{iptables: open}, Question{Transport: "udp", Port: 27886, Local: game.Local, Interface: "eth1"},
			Report{State: Blocks, Firewall: "ufw", Rule: "iptables filter ufw-user-input: -A ufw-user-input -i eth1 -p udp -m udp --dport 27886 -j DROP", Next: "sudo ufw insert 1 allow 27886/udp"}},
		{"nft beside ufw", listings{nft: nft("drop"), iptables: open}, game,
			Report{State: Blocks, Firewall: "nftables", Rule: "inet filter input, policy drop", Next: "sudo nft insert rule inet filter input udp dport 27886 accept (and the same line into /etc/nftables.conf)"}},
		{"old tables beside nft", listings{nft: nft("accept"), legacy: "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}, game,
			Report{State: Blocks, Firewall: "iptables", Rule: "iptables filter INPUT, policy drop", Next: "sudo iptables -I INPUT -p udp --dport 27886 -j ACCEPT"}},
		{"rules for nft alone, and no nft", listings{iptables: "# Table `x' is incompatible, use 'nft' tool.\n"}, game,
			Report{State: Unknown, Why: "some of the rules can be listed by nft only, which is not installed"}},
		{"a cut listing", listings{nft: `{"nftables":[{"table"`}, game,
			Report{State: Unknown, Why: "the listing of nft cannot be read: unexpected end of JSON input"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if r := kernelReport(test.l, test.q, test.q.packet()); r != test.want {
				t.Errorf("\n%+v, want\n%+v", r, test.want)
			}
		})
	}
	if !needsIPTables(alien) || needsIPTables(nft("drop")) {
		t.Error("which tables are iptables' own is not seen")
	}
}

func TestIPTables(t *testing.T) {
	for _, test := range []struct {
		rules string
		want  State
	}{
		{"-A INPUT -p udp -m udp --dport 27886 -j ACCEPT", Allows},
		{"-A INPUT -p 17 --dport 27886 -j ACCEPT", Allows},
		{"-A INPUT -p all -j ACCEPT", Allows},
		{"-A INPUT -p tcp -m tcp --dport 27886 -j ACCEPT", Blocks},
		{"-A INPUT -p udp -m multiport --dports 53,27000:28000 -j ACCEPT", Allows},
		{"-A INPUT -p udp ! --dport 27886 -j ACCEPT", Blocks},
		{"-A INPUT ! -s 10.0.0.0/8 -j ACCEPT", Allows},
		{"-A INPUT -s 192.168.1.0/255.255.255.0 -j ACCEPT", Blocks},
		{"-A INPUT -s 8.8.8.8/32 -j DROP\n-A INPUT -j ACCEPT", Allows},
		{"-A INPUT -d 192.168.1.23/32 -j ACCEPT", Allows},
		{"-A INPUT -i eth+ -j ACCEPT", Allows},
		{"-A INPUT ! -i eth0 -j ACCEPT", Blocks},
		{"-A INPUT -m conntrack --ctstate NEW -j ACCEPT", Allows},
		{"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", Blocks},
		{"-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT", Allows},
		{"-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT", Blocks},
		{"-A INPUT -m limit --limit 3/min -j ACCEPT", Unknown},
		{"-A INPUT -m socket -j ACCEPT", Unknown},
		{"-A INPUT -m set --match-set bad src -j DROP\n-A INPUT -j ACCEPT", Unknown},
		{`-A INPUT -m comment --comment "-j DROP; \"quoted\"" -j ACCEPT`, Allows},
		{"-A INPUT -j LOG --log-prefix x\n-A INPUT -j ACCEPT", Allows},
		{"-A INPUT -j mine\n-A mine -p udp -j RETURN\n-A mine -j ACCEPT", Blocks},
		{"-A INPUT -g mine\n-A INPUT -j ACCEPT", Blocks},
		{"[5:60] -A INPUT -j ACCEPT", Allows},
		{"-A INPUT -j NFQUEUE --queue-num 1", Unknown},
		{"-A INPUT -f -j ACCEPT", Blocks},
	} {
		t.Run(test.rules, func(t *testing.T) {
			l := listings{iptables: "# x\n*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n:mine - [0:0]\n" + test.rules + "\nCOMMIT\n"}
			if r := kernelReport(l, game, game.packet()); r.State != test.want {
				t.Errorf("%+v, want %s", r, test.want)
			}
		})
	}
	if r := kernelReport(listings{iptables: "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp --dport 27886 -j DNAT --to-destination 172.17.0.2\nCOMMIT\n"}, game, game.packet()); r.State != Unknown {
		t.Errorf("a port that is passed on to a container: %+v", r)
	}
}

// TestLookHere: whatever this PC has, there is an answer.
func TestLookHere(t *testing.T) {
	r, err := Look(t.Context(), game)
	if err != nil {
		t.Fatal(err)
	}
	check(t, r)
	t.Logf("%+v", r)
}

func TestLookRefuses(t *testing.T) {
	if _, err := Look(context.Background(), Question{Transport: "ip\x1bx"}); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v", err)
	}
}

func TestClean(t *testing.T) {
	if got := clean("a\x1b[31m\nb\u202ec\u0085" + strings.Repeat("x", 1000)); strings.ContainsAny(got, "\x1b\n\u202e\u0085") || len(got) > 320 {
		t.Errorf("%q", got)
	}
}
