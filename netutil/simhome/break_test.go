package simhome

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
)

// symptoms are what a sitter sees of a home that Break has broken: by its best protocol and, for
// reading back, by UPnP.
type symptoms struct {
	answers  int
	outer    publicip.Kind
	differs  bool // the router's outer address is not what the internet sees
	refusal  int
	external uint16
	holder   string // where the router says that our port leads
	comesIn  bool
}

func TestBreak(t *testing.T) {
	want := map[string]symptoms{
		"":                       {3, publicip.Public, false, 0, port, atUs, true},
		"no-router-answer":       {answers: 0},
		"double-nat":             {3, publicip.Private, true, 0, port, atUs, false},
		"carrier-nat":            {3, publicip.CarrierNAT, true, 0, port, atUs, false},
		"public-address-differs": {3, publicip.Public, true, 0, port, atUs, false},
		"mapping-refused":        {3, publicip.Public, false, pcpNotAuthorized, 0, "", false},
		"port-taken":             {1, publicip.Public, false, upnpConflict, 0, "192.168.1.50:27886", false},
		"not-kept":               {1, publicip.Public, false, 0, port, "", false},
		"wrong-local-address":    {1, publicip.Public, false, 0, port, "192.168.1.50:27886", false},
		"not-forwarding":         {3, publicip.Public, false, 0, port, atUs, false},
		"other-external-port":    {3, publicip.Public, false, 0, port + 1, "192.168.1.50:27886", true},
	}
	if codes := Breakable(); len(codes) != len(want)-1 {
		t.Errorf("%d codes are tested, Break knows %v", len(want)-1, codes)
	}
	for code, want := range want {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				if code != "" {
					if err := Break(h, code); err != nil {
						t.Fatal(err)
					}
				}
				if got := examine(t, h); got != want {
					t.Errorf("shows %+v, want %+v", got, want)
				}
			})
		})
	}
}

func examine(t *testing.T, h *Home) (s symptoms) {
	found := map[portmap.Protocol]portmap.Client{}
	h.Search(t.Context(), us, nil, func(a portmap.Answer) {
		if a.Client != nil {
			found[a.Protocol] = a.Client
			s.answers++
		}
	})
	if s.answers == 0 {
		return s
	}
	outer, err := found[portmap.UPnP].External(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, err := h.Public()
	if err != nil {
		t.Fatal(err)
	}
	s.outer, s.differs = publicip.KindOf(outer.Addr), outer.Addr != seen
	best := found[portmap.PCP]
	if best == nil {
		best = found[portmap.UPnP]
	}
	r := request()
	r.Exact = false
	m, err := best.Map(t.Context(), r)
	s.refusal, s.external = code(err), m.External.Port()
	if e, err := found[portmap.UPnP].Lookup(t.Context(), portmap.UDP, port); err == nil {
		s.holder = e.Internal.String()
	} else if !errors.Is(err, portmap.ErrNoEntry) {
		t.Fatal(err)
	}
	to, ok := h.Deliver(portmap.UDP, m.External.Port())
	s.comesIn = ok && to.Addr() == h.Self()
	return s
}

func TestBreakKnowsItsLimits(t *testing.T) {
	err := Break(New(Options{}), "vpn-in-the-way")
	if err == nil {
		t.Fatal("it broke the PC")
	}
	for _, code := range Breakable() {
		if !strings.Contains(err.Error(), code) {
			t.Errorf("%q does not name %s", err, code)
		}
	}
	if codes := Breakable(); !slices.Contains(codes, "double-nat") {
		t.Errorf("Breakable is %v", codes)
	}
}
