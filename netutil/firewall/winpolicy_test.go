package firewall

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// open is a rule that lets our port in for any program.
func openRule(change func(*winRule)) winRule {
	r := winRule{name: "open", protocol: 17, localPorts: "27886", profiles: 7, enabled: true}
	if change != nil {
		change(&r)
	}
	return r
}

func TestWindows(t *testing.T) {
	shut := winProfile{on: true, defaultBlocks: true}
	private := func(rules ...winRule) winPolicy {
		return winPolicy{active: privateProfile, profiles: [3]winProfile{shut, shut, shut}, rules: rules}
	}
	with := func(w winPolicy, change func(*winPolicy)) winPolicy { change(&w); return w }
	hosted := func(program string) Question { q := game; q.Program = program; return q }
	on := func(profile string) Question { q := game; q.Profile = profile; return q }
	for _, test := range []struct {
		name   string
		policy winPolicy
		q      Question
		want   State
		words  string // of rule, reason or next step
	}{
		{"no rule", private(), game, Blocks, `netsh advfirewall firewall add rule name="Portsitter: UDP port 27886" dir=in action=allow protocol=UDP localport=27886 profile=private`},
		{"our rule", private(Access{Ports: []Port{{"udp", 27886}}}.wanted()...), game, Allows, "Portsitter: UDP port 27886"},
		{"our rule on a public network", private(Access{Ports: []Port{{"udp", 27886}}}.wanted()...), on("public"), Blocks, "profile=public"},
		{"our rule on a public network, asked for", private(Access{Ports: []Port{{"udp", 27886}}, Public: true}.wanted()...), on("public"), Allows, ""},
		{"announcements only", private(Access{Program: `C:\P\portsitter.exe`}.wanted()...), hosted(`C:\P\portsitter.exe`), Blocks, ""},
		{"any protocol", private(openRule(func(r *winRule) { r.protocol, r.localPorts = anyProtocol, "" })), game, Allows, ""},
		{"TCP", private(openRule(func(r *winRule) { r.protocol = 6 })), game, Blocks, ""},
		{"range", private(openRule(func(r *winRule) { r.localPorts = "5000,27000-28000" })), game, Allows, ""},
		{"any port", private(openRule(func(r *winRule) { r.localPorts = "*" })), game, Allows, ""},
		{"RPC ports", private(openRule(func(r *winRule) { r.localPorts = "RPC" })), game, Blocks, ""},
		{"switched off", private(openRule(func(r *winRule) { r.enabled = false })), game, Blocks, ""},
		{"local subnet", private(openRule(func(r *winRule) { r.remoteAddresses = "LocalSubnet" })), game, Blocks, ""},
		{"home addresses", private(openRule(func(r *winRule) { r.remoteAddresses = "192.168.0.0/255.255.0.0,10.0.0.1-10.0.0.9" })), game, Blocks, ""},
		{"internet", private(openRule(func(r *winRule) { r.remoteAddresses = "Internet" })), game, Allows, ""},
		{"another address of ours", private(openRule(func(r *winRule) { r.localAddresses = "192.168.1.24" })), game, Blocks, ""},
		{"the game", private(openRule(func(r *winRule) { r.program, r.localPorts = `C:\Games\Project64KSE.exe`, "*" })), hosted("project64kse.exe"), Allows, ""},
		{"another program", private(openRule(func(r *winRule) { r.program = `C:\x\mame.exe` })), hosted("Project64KSE.exe"), Blocks, ""},
		{"nobody hosts", private(openRule(func(r *winRule) { r.program = `C:\x\mame.exe` })), game, Blocks, ""},
		{"the game by another path", private(openRule(func(r *winRule) { r.program = `C:\old\game.exe` })), hosted(`C:\new\game.exe`), Blocks, ""},
		{"the game by a path with a variable", private(openRule(func(r *winRule) { r.program = `%ProgramFiles%\game.exe` })), hosted(`C:\new\game.exe`), Allows, ""},
		{"an app of the store", private(openRule(func(r *winRule) { r.packageID = "S-1-15-2" })), game, Blocks, ""},
		{"a service", private(openRule(func(r *winRule) { r.service = "dnscache" })), game, Blocks, ""},
		{"only by IPsec", private(openRule(func(r *winRule) { r.secure = true })), game, Unknown, ""},
		{"only by cable", private(openRule(func(r *winRule) { r.interfaceTypes = "Lan" })), game, Unknown, ""},
		{"the game was refused when Windows asked", private(openRule(nil), openRule(func(r *winRule) {
			r.name, r.blocks, r.program, r.localPorts = "project64kse.exe", true, `c:\g\project64kse.exe`, "*"
		})), hosted("Project64KSE.exe"), Blocks, `delete the blocking rule "project64kse.exe"`},
		{"and another game hosts", private(openRule(nil), openRule(func(r *winRule) { r.blocks, r.program = true, `c:\g\project64kse.exe` })), hosted("mame.exe"), Allows, ""},
		{"refused on public networks only", private(openRule(nil), openRule(func(r *winRule) { r.blocks, r.profiles = true, publicProfile })), game, Allows, ""},
		{"a bad address is refused", private(openRule(nil), openRule(func(r *winRule) { r.blocks, r.remoteAddresses = true, "203.0.113.5" })), game, Allows, ""},
		{"off", with(private(), func(w *winPolicy) { w.profiles[1].on = false }), game, Allows, "switched off"},
		{"open by default", with(private(), func(w *winPolicy) { w.profiles[1].defaultBlocks = false }), game, Allows, "default"},
		{"everything blocked", with(private(openRule(nil)), func(w *winPolicy) { w.profiles[1].blockAll = true }), game, Blocks, "Blocks all incoming"},
		{"everything blocked by policy", with(private(openRule(nil)), func(w *winPolicy) { w.modify = policyBlocksIn }), game, Blocks, "policy"},
		{"group policy", with(private(openRule(nil)), func(w *winPolicy) { w.modify = policyOfGroup }), game, Unknown, "group policy"},
		{"another product", with(private(openRule(nil)), func(w *winPolicy) { w.products = []string{"Wall 9"} }), game, Unknown, "taken the place"},
		{"two networks alike", with(private(openRule(nil)), func(w *winPolicy) { w.active = 6 }), game, Allows, ""},
		{"two networks not alike", with(private(openRule(func(r *winRule) { r.profiles = privateProfile })), func(w *winPolicy) { w.active = 6 }), game, Unknown, "differently"},
		{"two networks, ours known", with(private(openRule(func(r *winRule) { r.profiles = privateProfile })), func(w *winPolicy) { w.active = 6 }), on("private"), Allows, ""},
		{"no network", with(private(), func(w *winPolicy) { w.active = 0 }), game, Unknown, "profiles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := test.policy.report(test.q)
			if r.State != test.want || !strings.Contains(r.Rule+r.Why+r.Next, test.words) {
				t.Errorf("%+v, want %s with %q", r, test.want, test.words)
			}
			if r.State == Blocks && r.Next == "" || r.State == Unknown && r.Why == "" {
				t.Errorf("%+v: nothing to do, or no reason", r)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	a := Access{Ports: []Port{{"udp", 27886}}, Program: `C:\P\portsitter.exe`}
	want := a.wanted()
	elsewhere := winRule{name: "somebody else's", group: "Other", enabled: true}
	outdated := want[1]
	outdated.program = `C:\Old\portsitter.exe`
	wide := want[0]
	wide.profiles = 7
	off := want[0]
	off.enabled = false
	stored := want[0] // as Windows tells it back
	stored.remotePorts, stored.interfaceTypes = "*", "All"
	for _, test := range []struct {
		name   string
		have   []winRule
		want   []winRule
		remove []string
		add    []winRule
	}{
		{"first time", []winRule{elsewhere}, want, nil, want},
		{"again", []winRule{stored, want[1], elsewhere}, want, nil, nil},
		{"twice there", []winRule{want[0], want[0], want[1]}, want, []string{want[0].name, want[0].name}, want[:1]},
		{"moved", []winRule{want[0], outdated}, want, []string{announceName}, want[1:]},
		{"public no more", []winRule{wide, want[1]}, want, []string{want[0].name}, want[:1]},
		{"switched off by hand", []winRule{off, want[1]}, want, []string{want[0].name}, want[:1]},
		{"another port", []winRule{want[0], want[1]}, Access{Ports: []Port{{"udp", 5}}}.wanted(), []string{want[0].name, announceName}, Access{Ports: []Port{{"udp", 5}}}.wanted()},
		{"uninstall", []winRule{want[0], want[1], elsewhere}, nil, []string{want[0].name, announceName}, nil},
		{"uninstall again", []winRule{elsewhere}, nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			remove, add := plan(test.have, test.want)
			if !reflect.DeepEqual(remove, test.remove) || !reflect.DeepEqual(add, test.add) {
				t.Errorf("remove %q add %+v,\nwant %q and %+v", remove, add, test.remove, test.add)
			}
		})
	}
	if want[1].remoteAddresses != "LocalSubnet" || want[1].localPorts != "1900,5350" || want[0].profiles&publicProfile != 0 {
		t.Errorf("%+v", want)
	}
}

func TestAccessCheck(t *testing.T) {
	for _, p := range []Port{{"udp", 0}, {"any", 5}, {"", 27886}} {
		if (Access{Ports: []Port{p}}).check() == nil {
			t.Errorf("a rule for %+v would open more than was meant", p)
		}
	}
}

func TestPrefixOf(t *testing.T) {
	for in, want := range map[string]string{
		"10.1.2.3": "10.1.2.3/32", "10.0.0.0/8": "10.0.0.0/8", "10.0.0.0/255.0.0.0": "10.0.0.0/8", "0.0.0.0/0.0.0.0": "0.0.0.0/0",
		"10.0.0.0/255.0.255.0": "", "10.0.0.0/33": "", "x": "", "fe80::/10": "fe80::/10",
	} {
		p, ok := prefixOf(in)
		if got := p.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s %t, want %q", in, got, ok, want)
		}
	}
	if fromStranger(netip.Prefix{}) != maybe {
		t.Error("no prefix is not nobody")
	}
}

func TestCOMError(t *testing.T) {
	if got := (comError{"CurrentProfileTypes", 0x8000FFFF}).Error(); got != "CurrentProfileTypes answered 0x8000FFFF" {
		t.Error(got)
	}
}
