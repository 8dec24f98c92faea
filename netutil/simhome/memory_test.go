package simhome

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// TestSearchTakesItsTime says when each protocol's answer comes, and what it is.
func TestSearchTakesItsTime(t *testing.T) {
	const soon, upnpSoon = answerTime, searchTime + answerTime
	never := errors.New("") // stands for a client
	cases := []struct {
		name  string
		fault func(*Faults)
		p     portmap.Protocol
		at    time.Duration
		want  error
	}{
		{"PCP", func(*Faults) {}, portmap.PCP, soon, never},
		{"NAT-PMP", func(*Faults) {}, portmap.NATPMP, soon, never},
		{"UPnP", func(*Faults) {}, portmap.UPnP, upnpSoon, never},
		{"UPnP with two services", func(f *Faults) { f.IGD = IGDTwo }, portmap.UPnP, upnpSoon + 2*answerTime, never},
		{"slow PCP", func(f *Faults) { f.Slow = 700 * time.Millisecond }, portmap.PCP, soon + 700*time.Millisecond, never},
		{"slow UPnP", func(f *Faults) { f.SSDPDelay = 2 * time.Second }, portmap.UPnP, upnpSoon + 2*time.Second, never},
		{"UPnP too slow", func(f *Faults) { f.SSDPDelay = 5 * time.Second }, portmap.UPnP, searchWindow, portmap.ErrNoAnswer},
		{"PCP too slow", func(f *Faults) { f.Slow = 4 * time.Second }, portmap.PCP, 3750 * time.Millisecond, portmap.ErrNoAnswer},
		{"PCP silent", func(f *Faults) { f.PCP = Silent }, portmap.PCP, 3750 * time.Millisecond, portmap.ErrNoAnswer},
		{"UPnP silent", func(f *Faults) { f.UPnP = Silent }, portmap.UPnP, searchWindow, portmap.ErrNoAnswer},
		{"NAT-PMP off", func(f *Faults) { f.PMP, f.PCP = Off, Off }, portmap.NATPMP, soon, portmap.ErrClosed},
		{"UPnP off", func(f *Faults) { f.UPnP = Off }, portmap.UPnP, searchWindow, portmap.ErrNoAnswer},
		{"a loss of UPnP", func(f *Faults) { f.LossEvery = 1 }, portmap.UPnP, searchWindow, portmap.ErrNoAnswer},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				h.Configure(c.fault)
				start := time.Now()
				answers := 0
				h.Search(t.Context(), us, []portmap.Protocol{c.p}, func(a portmap.Answer) {
					answers++
					if took := time.Since(start); took != c.at {
						t.Errorf("answered after %v, want %v", took, c.at)
					}
					if (a.Client != nil) != (c.want == never) || c.want != never && !errors.Is(a.Err, c.want) {
						t.Errorf("answered %+v", a)
					}
				})
				if answers != 1 {
					t.Errorf("%d answers", answers)
				}
			})
		})
	}
}

func TestSearchTellsTheRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		time.Sleep(90 * time.Second)
		h.Configure(func(f *Faults) { f.NoOuter = true })
		var order []portmap.Protocol
		h.Search(t.Context(), us, nil, func(a portmap.Answer) {
			order = append(order, a.Protocol)
			if a.Client == nil {
				t.Errorf("%s: %v", a.Protocol, a.Err)
			}
			if a.Protocol == portmap.NATPMP && (code(a.Err) != pmpNetworkFailure || a.Outer.Epoch != 90) {
				t.Errorf("NAT-PMP of a router without an outer address told %+v, %v", a.Outer, a.Err)
			}
			if d := a.Client.Device(); a.Protocol == portmap.UPnP && d.Name != h.Name() {
				t.Errorf("UPnP describes %+v", d)
			}
		})
		if len(order) != 3 || order[2] != portmap.UPnP {
			t.Errorf("answers came as %v", order)
		}
	})
}

// TestSearchEnds covers a search that is called off: it returns at once and tells nothing more.
func TestSearchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		h.Configure(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Silent, Silent, Silent })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		h.Search(ctx, us, nil, func(a portmap.Answer) { t.Errorf("told %+v", a) })
		if took := time.Since(start); took != time.Second {
			t.Errorf("returned after %v", took)
		}
	})
}

// TestLoss loses each second datagram: a client asks again after 250 ms and does not notice.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		h.Configure(func(f *Faults) { f.LossEvery = 2 })
		c := h.Client(portmap.PCP, us)
		for i, want := range []time.Duration{answerTime, firstPause + answerTime} {
			start := time.Now()
			if _, err := c.External(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("question %d took %v, want %v", i, took, want)
			}
		}
		if n := h.Requests().Of(portmap.PCP, OpAnnounce); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

// TestSlowWrite: what was asked is done, even if the answer comes after the client's patience.
func TestSlowWrite(t *testing.T) {
	for _, p := range protocols {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				h.Configure(func(f *Faults) { f.Slow = 6 * time.Second })
				if _, err := h.Client(p, us).Map(t.Context(), request()); err == nil {
					t.Error("mapped in spite of a timeout")
				}
				if reaches(h) != atUs {
					t.Error("the entry is not there")
				}
			})
		})
	}
}

// TestGone covers what happens to a UPnP client whose router has moved, stopped or gone silent.
func TestGone(t *testing.T) {
	cases := []struct {
		name string
		harm func(*Home)
		took time.Duration
		gone bool
	}{
		{"rebooted at the same place", func(h *Home) { h.Reboot(false) }, answerTime, false},
		{"rebooted and moved", func(h *Home) { h.Reboot(true) }, answerTime, true},
		{"off", faulty(func(f *Faults) { f.UPnP = Off }), answerTime, true},
		{"silent", faulty(func(f *Faults) { f.UPnP = Silent }), httpPatience, true},
		{"no power", func(h *Home) { h.PowerOff() }, httpPatience, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				client := h.Client(portmap.UPnP, us)
				c.harm(h)
				start := time.Now()
				_, err := client.External(t.Context())
				if errors.Is(err, portmap.ErrGone) != c.gone || !c.gone && err != nil {
					t.Errorf("answered %v", err)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
			})
		})
	}
}

// TestParallelRequestsBreak is quirk 15, and what the tally knows about it.
func TestParallelRequestsBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		h.Configure(func(f *Faults) { f.ResetOnParallel = true })
		errs := make(chan error, 2)
		for range 2 {
			c := h.Client(portmap.UPnP, us)
			go func() { _, err := c.External(t.Context()); errs <- err }()
		}
		failed := 0
		for range 2 {
			if err := <-errs; errors.Is(err, portmap.ErrGone) {
				failed++
			}
		}
		if failed != 1 || h.Requests().MaxInFlight != 2 {
			t.Errorf("%d of 2 broke, %d in flight at most", failed, h.Requests().MaxInFlight)
		}
		h.Configure(func(f *Faults) { f.ResetOnParallel, f.ResetWithin = false, 200*time.Millisecond })
		c := h.Client(portmap.UPnP, us)
		for _, pause := range []time.Duration{198 * time.Millisecond, 201 * time.Millisecond} {
			time.Sleep(pause)
			_, err := c.External(t.Context())
			if broke := errors.Is(err, portmap.ErrGone); broke != (pause < 200*time.Millisecond) {
				t.Errorf("%v after the last request: %v", pause, err)
			}
		}
	})
}

func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		c := h.Client(portmap.NATPMP, us)
		var halfway time.Time
		for i := range ringSize + 10 {
			if i == ringSize {
				halfway = time.Now()
			}
			c.External(t.Context())
			time.Sleep(time.Minute)
		}
		mapIt(t, h, portmap.PCP)
		got := h.Requests()
		if n := got.Of(portmap.NATPMP); n != ringSize+10 {
			t.Errorf("%d requests by NAT-PMP", n)
		}
		if n := got.Of(portmap.PCP, OpMap, OpUnmap); n != 1 || got.Of(portmap.PCP, OpUnmap) != 0 {
			t.Errorf("%d requests by PCP", n)
		}
		if got.Total() != ringSize+11 || len(got.Recent) != ringSize || got.MaxInFlight != 1 {
			t.Errorf("total %d, remembered %d, in flight %d", got.Total(), len(got.Recent), got.MaxInFlight)
		}
		if n := got.Since(halfway); n != 11 {
			t.Errorf("%d since", n)
		}
		if d := got.Closest(portmap.NATPMP); d != time.Minute+answerTime {
			t.Errorf("closest %v", d)
		}
		if !slices.IsSortedFunc(got.Recent, func(a, b Request) int { return a.At.Compare(b.At) }) {
			t.Error("the remembered requests are not in order")
		}
		if d := got.Closest(portmap.UPnP); d != 0 {
			t.Errorf("closest of none is %v", d)
		}
	})
}

// TestEpoch says what starts the epoch anew, and what is announced.
func TestEpoch(t *testing.T) {
	another := netip.MustParseAddr("11.77.0.33")
	cases := []struct {
		name      string
		happens   func(*Home)
		epoch     uint32
		announced []bool // booted
	}{
		{"nothing", func(*Home) {}, 60, nil},
		{"flush", func(h *Home) { h.Flush() }, 60, nil},
		{"reboot", func(h *Home) { h.Reboot(true) }, 0, []bool{true}},
		{"crash", func(h *Home) { h.Crash(); h.Return() }, 0, []bool{true}},
		{"another address", func(h *Home) { h.Renumber(another) }, 0, []bool{false}},
		{"another address, and the epoch goes on", func(h *Home) {
			h.Configure(func(f *Faults) { f.EpochGoesOn = true })
			h.Renumber(another)
		}, 60, []bool{false}},
		{"the same address", func(h *Home) { h.Renumber(h.Outer()) }, 60, []bool{false}},
		{"another address without power", func(h *Home) { h.PowerOff(); h.Renumber(another) }, 0, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Options{})
				var heard []bool
				stop := h.OnAnnounce(func(a Announcement) {
					if a.Outer != h.Outer() || a.Epoch != h.pcpEpoch() { // the hook may ask the home
						t.Errorf("announced %+v", a)
					}
					heard = append(heard, a.Booted)
				})
				time.Sleep(time.Minute)
				c.happens(h)
				stop()
				if got := h.pcpEpoch(); got != c.epoch || !slices.Equal(heard, c.announced) {
					t.Errorf("epoch %d, announced %v; want %d, %v", got, heard, c.epoch, c.announced)
				}
				h.Reboot(false)
				if !slices.Equal(heard, c.announced) {
					t.Error("heard something after stop")
				}
			})
		})
	}
}
