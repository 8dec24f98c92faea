package firewall

import (
	"errors"
	"strings"
	"testing"
)

const (
	ufwOn       = "# comment\nENABLED=yes\nLOGLEVEL=low\n"
	ufwDefaults = "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\n"
)

func TestUFW(t *testing.T) {
	tuple := func(lines ...string) ufwFiles {
		return ufwFiles{conf: ufwOn, defaults: ufwDefaults, rules: "*filter\n### RULES ###\n\n### tuple ### " + strings.Join(lines, "\n-A x\n### tuple ### ") + "\n### END RULES ###\n"}
	}
	open := "sudo ufw allow 27886/udp"
	for _, test := range []struct {
		name  string
		files ufwFiles
		state State
		next  string
	}{
		{"no rule", tuple("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"), Blocks, open},
		{"open", tuple("allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 in comment=6b61"), Allows, ""},
		{"open to both", tuple("allow any 27886 0.0.0.0/0 any 0.0.0.0/0 in"), Allows, ""},
		{"range", tuple("allow udp 5000:6000,27000:28000 0.0.0.0/0 any 0.0.0.0/0 in"), Allows, ""},
		{"home only", tuple("allow udp 27886 0.0.0.0/0 any 192.168.0.0/16 in"), Blocks, open},
		{"our address", tuple("allow udp 27886 192.168.1.23 any 0.0.0.0/0 in"), Allows, ""},
		{"denied before", tuple("deny udp 27886 0.0.0.0/0 any 0.0.0.0/0 in", "allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 in"), Blocks, "sudo ufw insert 1 allow 27886/udp"},
		{"denied with log", tuple("reject_log any any 0.0.0.0/0 any 0.0.0.0/0 in"), Blocks, "sudo ufw insert 1 allow 27886/udp"},
		{"denied on another interface", tuple("deny udp 27886 0.0.0.0/0 any 0.0.0.0/0 in_eth1", "allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 in_eth0"), Allows, ""},
		{"going out", tuple("allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 out"), Blocks, open},
		{"routed", tuple("route:allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 in"), Blocks, open},
		{"application", tuple("allow udp 27886 0.0.0.0/0 any 0.0.0.0/0 Kaillera - in"), Allows, ""},
		{"by their port", tuple("allow udp 27886 0.0.0.0/0 5000 0.0.0.0/0 in"), Unknown, "sudo ufw status"},
		{"words not known", tuple("allow udp"), Unknown, "sudo ufw status"},
		{"open by default", ufwFiles{conf: ufwOn, defaults: "DEFAULT_INPUT_POLICY=ACCEPT"}, Allows, ""},
		{"default not to be read", ufwFiles{conf: ufwOn}, Unknown, "sudo ufw status verbose"},
		{"rules not to be read", ufwFiles{conf: ufwOn, defaults: ufwDefaults, unread: errors.New("permission denied")}, Unknown, "sudo ufw status"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := test.files.report(game, game.packet())
			if r.State != test.state || r.Next != test.next || r.Firewall != "ufw" {
				t.Errorf("%+v, want %s and %q", r, test.state, test.next)
			}
		})
	}
	if !tuple("").enabled() || (ufwFiles{conf: "ENABLED=no\n"}).enabled() || (ufwFiles{}).enabled() {
		t.Error("whether ufw is on is not seen")
	}
}

const publicZone = `public (active)
  target: default
  icmp-block-inversion: no
  interfaces: eth0
  sources: 
  services: dhcpv6-client ssh
  ports: PORTS
  protocols: 
  forward: yes
  masquerade: no
  forward-ports: 
  source-ports: 
  icmp-blocks: 
  rich rules: 
`

func TestFirewalld(t *testing.T) {
	for _, test := range []struct {
		name, ports, services, change, to string
		want                              State
	}{
		{"shut", "", "22/tcp 546/udp", "", "", Blocks},
		{"open", "22/tcp 27886/udp", "", "", "", Allows},
		{"by TCP", "27886/tcp", "", "", "", Blocks},
		{"range", "1025-65535/udp", "", "", "", Allows},
		{"service", "", "27886/udp", "", "", Allows},
		{"service that is not told", "", parseServicePorts(""), "", "", Unknown},
		{"everything", "", "", "target: default", "target: ACCEPT", Allows},
		{"drop", "", "", "target: default", "target: DROP", Blocks},
		{"source ports", "", "", "source-ports: ", "source-ports: 5/udp", Unknown},
		{"protocols", "", "", "protocols: ", "protocols: udp", Unknown},
		{"rich rules", "27886/udp", "", "rich rules: ", "rich rules: \n\trule family=\"ipv4\" drop", Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			z, ok := parseZone(strings.Replace(strings.Replace(publicZone, "PORTS", test.ports, 1), test.change, test.to, 1))
			if r := z.report(game, game.packet(), test.services); !ok || r.State != test.want || r.Firewall != "firewalld" {
				t.Errorf("%t %+v, want %s", ok, r, test.want)
			} else if r.State == Blocks && r.Next != "sudo firewall-cmd --permanent --zone=public --add-port=27886/udp && sudo firewall-cmd --reload" {
				t.Error(r.Next)
			}
		})
	}
	if _, ok := parseZone("Error: COMMAND_FAILED\n"); ok {
		t.Error("an error is taken for a zone")
	}
	if got := parseServicePorts("ssh\n  ports: 22/tcp\n  protocols: \n"); got != "22/tcp" {
		t.Errorf("%q", got)
	}
}
