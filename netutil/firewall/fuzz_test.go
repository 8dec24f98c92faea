package firewall

import "testing"

// FuzzListings: whatever the tools print, there is an answer, and it is one of three.
func FuzzListings(f *testing.F) {
	f.Add(nft("drop", ourPort+accept, `{"vmap":{"key":{"meta":{"key":"iifname"}},"data":"@m"}}`), "", "")
	f.Add(nft("accept", `{"goto":{"target":"game"}}`, `game: {"jump":{"target":"game"}}`), "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp ! --dport 1:2 -j ACCEPT\nCOMMIT\n", "")
	f.Add(file(f, "own.nft.json"), file(f, "ufw.iptables"), "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -j DNAT\n")
	f.Fuzz(func(t *testing.T, nft, iptables, legacy string) {
		check(t, kernelReport(listings{nft, iptables, legacy}, game, game.packet()))
		needsIPTables(nft)
	})
}

func FuzzUFW(f *testing.F) {
	f.Add(ufwOn, ufwDefaults, "### tuple ### allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 in_eth0 comment=61\n")
	f.Fuzz(func(t *testing.T, conf, defaults, rules string) {
		files := ufwFiles{conf: conf, defaults: defaults, rules: rules}
		files.enabled()
		check(t, files.report(game, game.packet()))
	})
}

func FuzzFirewalld(f *testing.F) {
	f.Add(publicZone, "  ports: 22/tcp\n")
	f.Fuzz(func(t *testing.T, listing, info string) {
		z, _ := parseZone(listing)
		check(t, z.report(game, game.packet(), parseServicePorts(info)))
	})
}

func FuzzWindowsRule(f *testing.F) {
	f.Add(`C:\g\game.exe`, "game.exe", "80,27000-28000,RPC", "LocalSubnet,10.0.0.0/255.0.0.0,1.1.1.1-2.2.2.2", "*", true)
	f.Fuzz(func(t *testing.T, program, held, ports, remote, local string, blocks bool) {
		q := game
		q.Program = held
		w := winPolicy{active: 2, profiles: [3]winProfile{{}, {on: true, defaultBlocks: true}, {}}}
		w.rules = []winRule{{program: program, protocol: 17, localPorts: ports, remoteAddresses: remote, localAddresses: local, profiles: 7, enabled: true, blocks: blocks}}
		check(t, w.report(q))
	})
}

func check(t *testing.T, r Report) {
	t.Helper()
	switch {
	case r.State != Allows && r.State != Blocks && r.State != Unknown:
		t.Errorf("%+v", r)
	case r.State == Unknown && r.Why == "", r.State == Blocks && r.Next == "":
		t.Errorf("no reason or no step: %+v", r)
	}
}
