package simhome

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// TestLossAndSlowness over the wire.
func TestLossAndSlowness(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	h.Configure(func(f *Faults) { f.LossEvery, f.Slow = 2, 30*time.Millisecond })
	for i := range 4 {
		start := time.Now()
		lost, patience := i%2 == 1, 5*time.Second
		if lost {
			patience = 50 * time.Millisecond
		}
		if _, err := udp(t, s.Ports.PMP, []byte{0, 0}, patience); lost != (err != nil) {
			t.Errorf("datagram %d: %v", i, err)
		}
		if took := time.Since(start); took < 30*time.Millisecond {
			t.Errorf("datagram %d took only %v", i, took)
		}
	}
}

// TestParallelOverTheWire: a SOAP request that meets another one breaks.
func TestParallelOverTheWire(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	h.Configure(func(f *Faults) { f.ResetOnParallel = true })
	if status, body := soapAt(t, s, controlPath(0), "GetExternalIPAddress", ""); status != 200 {
		t.Errorf("alone: %d %s", status, body)
	}
	h.Configure(func(f *Faults) { f.Slow = time.Minute })
	var group sync.WaitGroup
	group.Go(func() { soapAt(t, s, controlPath(0), "GetExternalIPAddress", "") })
	for h.Requests().Total() < 2 {
		runtime.Gosched()
	}
	if status, body := soapAt(t, s, controlPath(0), "GetExternalIPAddress", ""); status != 0 {
		t.Errorf("beside another one: %d %s", status, body)
	}
	if n := h.Requests().MaxInFlight; n != 2 {
		t.Errorf("%d in flight", n)
	}
	s.Close() // ends the slow one
	group.Wait()
}

// TestPortmapCopes lets portmap's client find UPnP in spite of the quirks of discovery and form.
func TestPortmapCopes(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*Faults)
	}{
		{"SSDPOtherPort", func(f *Faults) { f.SSDPOtherPort = true }},
		{"SSDPOnly", func(f *Faults) { f.SSDPOnly = igd1 }},
		{"LocationHost", func(f *Faults) { f.LocationHost = "10.9.8.7" }},
		{"Latin1", func(f *Faults) { f.Latin1 = true }},
		{"SaysUp", func(f *Faults) { f.SaysUp, f.IGD = true, IGDTwo }},
	} {
		h := New(Options{})
		h.Configure(c.fault)
		client := clients(t, serve(t, h), portmap.UPnP)[portmap.UPnP]
		if name := client.Device().Name; name != h.Name() {
			t.Errorf("%s: the router is called %q, want %q", c.name, name, h.Name())
		}
		if outer, err := client.External(t.Context()); err != nil || outer.Addr != public {
			t.Errorf("%s: outer address %v, %v", c.name, outer, err)
		}
	}
}
