package simhome

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// agreeCases are the faults under which memory and wire have to say the same.
var agreeCases = []struct {
	name string
	harm func(*Home)
}{
	{"healthy", func(*Home) {}},
	{"denied", faulty(func(f *Faults) { f.Deny = true })},
	{"taken", func(h *Home) { h.Take(neighbor, portmap.UDP, port) }},
	{"taken, other port", func(h *Home) {
		h.Take(neighbor, portmap.UDP, port)
		h.Configure(func(f *Faults) { f.OtherPort = true })
	}},
	{"taken, refused", func(h *Home) {
		h.Take(neighbor, portmap.UDP, port)
		h.Configure(func(f *Faults) { f.RefuseConflict = true })
	}},
	{"taken by hand", func(h *Home) {
		h.Forward(portmap.UDP, port, netip.AddrPortFrom(neighbor, port), false)
		h.Configure(func(f *Faults) { f.ManualIs729 = true })
	}},
	{"no outer address", faulty(func(f *Faults) { f.NoOuter = true })},
	{"outer address 0.0.0.0", func(h *Home) { h.SetOuter(netip.IPv4Unspecified()) }},
	{"double NAT", func(h *Home) { h.SetOuter(netip.MustParseAddr("192.168.0.10")) }},
	{"no room", faulty(func(f *Faults) { f.Slots, f.Codes.UPnP = 0, 728 })},
	{"only permanent", faulty(func(f *Faults) { f.OnlyPermanent = true })},
	{"finite is 402", faulty(func(f *Faults) { f.RefuseFinite402 = true })},
	{"no lease at all", faulty(func(f *Faults) { f.RefuseFinite402, f.RefusePermanent402 = true, true })},
	{"action failed", faulty(func(f *Faults) { f.Codes = Codes{UPnP: 501, PMP: 2, PCP: 7} })},
	{"no lease, said as 725", faulty(func(f *Faults) { f.Codes.UPnP = 725 })},
	{"wildcard only", faulty(func(f *Faults) { f.Codes.UPnP = 727 })},
	{"a code nobody knows", faulty(func(f *Faults) { f.Codes = Codes{UPnP: 899, PMP: 77, PCP: 99} })},
	{"lease shortened", faulty(func(f *Faults) { f.LeaseMax = 10 * time.Minute })},
	{"keeps nothing", faulty(func(f *Faults) { f.KeepsNothing = true })},
	{"stores another host", faulty(func(f *Faults) { f.StoredHost = neighbor })},
	{"no read-back", faulty(func(f *Faults) { f.NoReadBack = true })},
	{"enabled lies", faulty(func(f *Faults) { f.EnabledLies, f.EmptyLease = true, true })},
	{"early renewal", faulty(func(f *Faults) { f.EarlyRenewal718 = true })},
	{"secure mode", faulty(func(f *Faults) { f.SecureMode = true })},
	{"hostile words", faulty(func(f *Faults) { f.Deny, f.FaultWords = true, "<script>alert(1)</script>" })},
	{"Latin1", faulty(func(f *Faults) { f.Deny, f.Latin1 = true, true })},
	{"WAN down", func(h *Home) { h.SetWAN(false) }},
	{"all off", faulty(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Off, Off, Off })},
	{"PCP off", faulty(func(f *Faults) { f.PCP = Off })},
	{"NAT-PMP off", faulty(func(f *Faults) { f.PMP = Off })},
	{"resets", faulty(func(f *Faults) { f.ResetWithin = time.Hour })},
	{"moved", func(h *Home) { h.Reboot(true) }},
}

func faulty(change func(*Faults)) func(*Home) { return func(h *Home) { h.Configure(change) } }

// TestMemoryAgreesWithWire holds the clients in memory against portmap's own over real sockets.
func TestMemoryAgreesWithWire(t *testing.T) {
	for _, kind := range []IGD{IGDv2, IGDv1, IGDPPP, IGDDSLForum, IGDMixed, IGDTwo} {
		for _, c := range agreeCases {
			if kind != IGDv2 && !slices.Contains([]string{"healthy", "secure mode", "only permanent"}, c.name) {
				continue
			}
			t.Run(fmt.Sprintf("IGD %d %s", kind, c.name), func(t *testing.T) {
				t.Parallel()
				wired, inMemory := New(Options{}), New(Options{})
				for _, h := range []*Home{wired, inMemory} {
					h.Configure(func(f *Faults) { f.IGD = kind })
				}
				overWire := clients(t, serve(t, wired), protocols...)
				overMemory := map[portmap.Protocol]portmap.Client{}
				for _, p := range protocols {
					overMemory[p] = inMemory.Client(p, us)
				}
				overWire[portmap.UPnP].External(t.Context())
				overMemory[portmap.UPnP].External(t.Context())
				c.harm(wired)
				c.harm(inMemory)
				for _, p := range protocols {
					got, want := transcript(t.Context(), overMemory[p]), transcript(t.Context(), overWire[p])
					if got != want {
						t.Errorf("%s in memory:\n%s\nover the wire:\n%s", p, got, want)
					}
					if got, want := inMemory.Requests().Of(p, OpMap), wired.Requests().Of(p, OpMap); got != want && want > 0 { // a closed port counts nothing
						t.Errorf("%s asked for a mapping %d times in memory, %d times over the wire", p, got, want)
					}
				}
			})
		}
	}
}

// transcript is what a client says to a life of a mapping, without what differs by nature.
func transcript(ctx context.Context, c portmap.Client) string {
	var b strings.Builder
	say := func(what string, value any, err error) {
		fmt.Fprintf(&b, "%-8s %v | %s\n", what, value, describeError(err))
	}
	mapping := func(m portmap.Mapping) any {
		m.Granted = time.Time{}
		return m
	}
	outer := func(o portmap.Outer) any {
		o.Epoch = 0
		return o
	}

	o, err := c.External(ctx)
	say("external", outer(o), err)
	first, err := c.Map(ctx, request())
	say("map", mapping(first), err)
	e, err := c.Lookup(ctx, portmap.UDP, port)
	if e.Lease > 0 {
		e.Lease = e.Lease.Round(time.Minute)
	}
	say("lookup", e, err)
	again, err := c.Map(ctx, request())
	say("renew", mapping(again), err)
	loose := request()
	loose.Exact = false
	other, err := c.Map(ctx, loose)
	say("any port", mapping(other), err)
	say("device", c.Device().Permanent, nil)
	if first.Protocol != "" {
		say("unmap", nil, c.Unmap(ctx, first))
		say("unmap", nil, c.Unmap(ctx, first))
	}
	e, err = c.Lookup(ctx, portmap.UDP, port)
	e.Lease = e.Lease.Round(time.Minute)
	say("lookup", e, err)
	o, err = c.External(ctx)
	say("external", outer(o), err)
	return b.String()
}

func describeError(err error) string {
	var no *portmap.Refusal
	switch {
	case errors.As(err, &no):
		return fmt.Sprintf("%+v, no entry %v", *no, errors.Is(err, portmap.ErrNoEntry))
	case err == nil:
		return "fine"
	}
	for _, known := range []error{portmap.ErrNoEntry, portmap.ErrCannotLook, portmap.ErrNoAnswer, portmap.ErrClosed, portmap.ErrGone} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "something else: " + err.Error()
}
