package service

import (
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// drawnStatuses are the statuses behind testdata/status.
func drawnStatuses() map[string]*daemon.Status {
	statuses := map[string]*daemon.Status{
		"reachable":         goodStatus(),
		"hostile":           hostileStatus(),
		"several-ports":     severalPorts(),
		"nothing-known-yet": {Version: "0.1.0", Next: &daemon.Next{At: noon, What: "look for the router"}},
	}
	for i, rung := range goodStatus().Ports[0].Steps {
		statuses["broken-"+rung.ID] = brokenAt(i)
	}
	demo := goodStatus()
	demo.Demo = true
	demo.Notices = []string{"portsitter.toml line 12 is wrong: the settings from before hold"}
	statuses["demo-with-notice"] = demo
	return statuses
}

func goodStatus() *daemon.Status {
	public := netip.MustParseAddr("203.0.113.7")
	return &daemon.Status{
		Version: "0.1.0",
		At:      noon,
		Router:  &daemon.Router{Name: "Fritz!Box 7590", Protocols: []string{"pcp"}},
		PublicIP: &daemon.PublicIP{
			Address: public, Kind: "public",
			Sources: map[string]netip.Addr{"router": public, "stun": public},
		},
		Ports: []daemon.Port{{
			Name: "Kaillera P2P", Port: 27886, Transport: "udp",
			Verdict: daemon.Reachable, Code: "reachable",
			Headline: "Your opponent can reach you", Address: "203.0.113.7:27886",
			Steps: []daemon.Step{
				{ID: "network", State: daemon.StepOK, Summary: "192.168.77.2 on eth0, router 192.168.77.1", Detail: "tun0 was not taken: it is a VPN tunnel"},
				{ID: "router", State: daemon.StepOK, Summary: "answers PCP, NAT-PMP and UPnP"},
				{ID: "internet", State: daemon.StepOK, Summary: "203.0.113.7 is a public address"},
				{ID: "mapping", State: daemon.StepOK, Summary: "the router leads port 27886 to this PC"},
				{ID: "firewall", State: daemon.StepUnknown, Summary: "the rules cannot be read without root"},
				{ID: "game", State: daemon.StepSkipped, Summary: "nobody is hosting"},
				{ID: "outside", State: daemon.StepOK, Summary: "a stranger's packet came in", Detail: "answered by our stand-in, 12 s ago"},
			},
			Mapping: &daemon.Mapping{
				Protocol: "pcp", Internal: "192.168.77.2:27886", External: "203.0.113.7:27886",
				Lease: 3600, Expires: at(42 * time.Minute), Verified: at(-12 * time.Second), Owner: "ours",
			},
		}},
		Next: &daemon.Next{At: noon.Add(8 * time.Second), What: "read the mapping back"},
	}
}

// brokenAt breaks the rung with this index; those below are not reached.
func brokenAt(index int) *daemon.Status {
	s := goodStatus()
	p := &s.Ports[0]
	p.Verdict, p.Address = daemon.NotReady, ""
	p.Headline = "The " + p.Steps[index].ID + " is what is wrong"
	p.NextStep = "Do “this one thing” about the " + p.Steps[index].ID + "…"
	for i := range p.Steps {
		switch {
		case i == index:
			p.Steps[i].State, p.Steps[i].Summary = daemon.StepBroken, "this is broken"
		case i > index:
			p.Steps[i] = daemon.Step{ID: p.Steps[i].ID, State: daemon.StepSkipped, Summary: "not judged while a step above is broken"}
		}
	}
	if index < 4 {
		p.Mapping = nil
	}
	if index < 2 {
		s.PublicIP, s.Router = nil, nil
	}
	return s
}

func severalPorts() *daemon.Status {
	s := goodStatus()
	s.Ports = append(s.Ports, brokenAt(3).Ports[0])
	second := &s.Ports[1]
	second.Name, second.Port, second.Transport = "Web server", 8080, "tcp"
	second.Headline, second.NextStep = "Port 8080 leads to another PC", "Delete that forward in the router."
	second.Mapping = &daemon.Mapping{Protocol: "upnp", External: "203.0.113.7:8080", Owner: "other", Holder: "192.168.77.3"}
	return s
}

// hostileStatus has in every text what a terminal must never see.
func hostileStatus() *daemon.Status {
	const bad = "evil\x1b[2J\x1b]0;title\a\r\n✓ forged\u202Etxet\u200b\u009b31m\x00\x7f\xff"
	s := goodStatus()
	p := &s.Ports[0]
	p.Name, p.Transport, p.Headline, p.NextStep, p.Address = bad, bad, bad, bad, bad
	p.Verdict = bad
	p.Mapping = &daemon.Mapping{Protocol: bad, Internal: bad, External: bad, Owner: bad, Holder: bad, Lease: -5}
	p.Steps = []daemon.Step{
		{ID: bad, State: bad, Summary: bad, Detail: bad},
		{ID: "", State: "", Summary: "", Detail: ""},
	}
	s.Ports = append(s.Ports, *p)
	s.Router.Name, s.Next.What, s.Notices = bad, bad, []string{bad}
	s.PublicIP.Kind = bad
	s.PublicIP.Sources = map[string]netip.Addr{bad: {}, "router": netip.MustParseAddr("fe80::1%eth0")}
	return s
}
