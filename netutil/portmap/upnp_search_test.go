package portmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// hunted is a whole search on loopback whose answers come from heard instead of the wire.
func hunted(t testing.TB, known string, search func(heard func(ssdpAnswer)), answered func(Answer)) (answers []Answer) {
	t.Helper()
	s := Search{Gateway: loopback, Local: loopback, Known: known, Log: noLog}
	h := newHunt(s, time.Minute, func(a Answer) {
		answers = append(answers, a)
		answered(a)
	})
	h.search = func(_ context.Context, heard func(ssdpAnswer)) error { search(heard); return nil }
	h.run(t.Context(), s.Known)
	return answers
}

func nothing(Answer) {}

// named answers with these locations, as a gateway.
func named(locations ...string) func(func(ssdpAnswer)) {
	return func(heard func(ssdpAnswer)) {
		for _, l := range locations {
			heard(ssdpAnswer{l, true})
		}
	}
}

// only expects a single Answer with a Client and returns its Device.
func only(t *testing.T, answers []Answer) Device {
	t.Helper()
	if len(answers) != 1 || answers[0].Client == nil || answers[0].Protocol != UPnP || answers[0].Err != nil {
		t.Fatalf("answers %+v", answers)
	}
	return answers[0].Client.Device()
}

func TestSearchOnTheWire(t *testing.T) {
	noLeaks(t)
	f := newFakeIGD(t)
	where := f.describe(t, "/rootDesc.xml", "miniupnpd-igd2.xml")
	f.describe(t, "/stranger.xml", "fritzbox.xml")
	ssdp := newFakeSSDP(t, f.URL+"/stranger.xml", where)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var answers []Answer
	s := Search{Gateway: loopback, Local: loopback, Ports: Ports{SSDP: ssdp.port}, Slow: true, Log: noLog}
	s.upnp(ctx, func(a Answer) {
		answers = append(answers, a)
		cancel()
	})
	if d := only(t, answers); d.Location != where || d.Name != "OpenWrt router" {
		t.Errorf("found %+v", d)
	}
	if len(f.gets) != 1 || len(f.seen()) != 0 {
		t.Errorf("read %v, asked %v; want one description and no question", f.gets, f.seen())
	}
}

func TestSearchKnown(t *testing.T) {
	noLeaks(t)
	f := newFakeIGD(t)
	known := f.describe(t, "/known.xml", "miniupnpd-igd1.xml")
	other := f.describe(t, "/other.xml", "miniupnpd-igd2.xml")

	t.Run("holds: nothing is waited for", func(t *testing.T) {
		s := newFakeSSDP(t, "", "")
		var answers []Answer
		start := time.Now()
		Search{Gateway: loopback, Local: loopback, Known: known, Permanent: true, Slow: true, Ports: Ports{SSDP: s.port}, Log: noLog}.
			upnp(t.Context(), func(a Answer) { answers = append(answers, a) })
		if d := only(t, answers); d.Location != known || !d.Permanent || time.Since(start) >= ssdpWindow {
			t.Errorf("found %+v after %v", d, time.Since(start))
		}
	})
	t.Run("led back to the gateway", func(t *testing.T) {
		u := mustURL(t, known)
		moved := "http://192.0.2.1:" + u.Port() + u.Path
		if d := only(t, hunted(t, moved, named(), nothing)); d.Location != known {
			t.Errorf("found %+v", d)
		}
	})
	for name, bad := range map[string]string{
		"closed":    closedPort(t),
		"not found": f.URL + "/gone.xml",
		"a name":    "http://router.example/known.xml",
		"no URL":    "%",
	} {
		t.Run(name+": the search finds the new one", func(t *testing.T) {
			if d := only(t, hunted(t, bad, named(other), nothing)); d.Location != other {
				t.Errorf("found %+v", d)
			}
		})
		t.Run(name+": nothing else", func(t *testing.T) {
			answers := hunted(t, bad, named(), nothing)
			if len(answers) != 1 || answers[0].Client != nil || !errors.Is(answers[0].Err, ErrNoAnswer) {
				t.Errorf("answers %+v", answers)
			}
		})
	}
}

// A router that is starting may refuse its description once: it counts when the search names it.
func TestSearchKnownFailsOnce(t *testing.T) {
	f := newFakeIGD(t)
	found := make(chan struct{})
	text := fixture(t, "miniupnpd-igd1.xml")
	f.pages["/booting.xml"] = func(w http.ResponseWriter, r *http.Request) {
		if len(f.gets) == 1 {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, text)
	}
	known := f.URL + "/booting.xml"
	untilFound := func(heard func(ssdpAnswer)) {
		for {
			select {
			case <-found:
				return
			default:
				heard(ssdpAnswer{known, true})
			}
		}
	}
	if d := only(t, hunted(t, known, untilFound, func(Answer) { close(found) })); d.Location != known || len(f.gets) != 2 {
		t.Errorf("found %+v after reading %v", d, f.gets)
	}
}

// A known description that hangs and is named by the search is why there is no UPnP.
func TestSearchKnownHangs(t *testing.T) {
	f := newFakeIGD(t)
	release := make(chan struct{})
	f.pages["/"] = func(w http.ResponseWriter, r *http.Request) { <-release; http.NotFound(w, r) }
	answers := hunted(t, f.URL+"/", func(heard func(ssdpAnswer)) {
		heard(ssdpAnswer{f.URL + "/", true})
		heard(ssdpAnswer{f.URL + "/", true}) // the first has been taken in by now
		close(release)
	}, nothing)
	if len(answers) != 1 || !errors.Is(answers[0].Err, ErrGone) {
		t.Errorf("answers %+v", answers)
	}
}

func TestSearchPicks(t *testing.T) {
	noLeaks(t)
	f := newFakeIGD(t)
	f.soap = byPath(nil)
	igd := f.describe(t, "/igd.xml", "miniupnpd-igd1.xml")
	media := f.describe(t, "/media.xml", "mediaserver.xml")
	locked := f.describe(t, "/tr64.xml", "dslforum.xml")
	var crowd []string
	for i := range 20 {
		crowd = append(crowd, f.describe(t, fmt.Sprintf("/crowd%d.xml", i), "mediaserver.xml"))
	}
	port := mustURL(t, igd).Port()
	for name, c := range map[string]struct {
		root, gateway []string // locations of some root device, and of a gateway
		reads         int      // at most
	}{
		"alone":                             {nil, []string{igd}, 1},
		"root device only":                  {[]string{media, igd}, nil, 2},
		"a media server does not count":     {[]string{media}, []string{igd}, 2},
		"a service behind a password":       {[]string{locked}, []string{igd}, 2},
		"a crowd does not hide the gateway": {crowd, []string{igd}, 1 + maxOthers},
		"a crowd of gateways is bounded":    {nil, append([]string{igd}, crowd...), maxLocations},
		"a location elsewhere is led back":  {nil, []string{"http://192.0.2.9:" + port + "/igd.xml"}, 1},
		"names and junk are passed over":    {nil, []string{"http://router.example/", "https://127.0.0.1/", "x", "http://127.0.0.1:0/", igd}, 1},
		"the same one many times":           {[]string{igd, igd}, []string{igd, igd}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f.gets = nil
			answers := hunted(t, "", func(heard func(ssdpAnswer)) {
				for _, l := range c.root {
					heard(ssdpAnswer{l, false})
				}
				named(c.gateway...)(heard)
			}, nothing)
			if d := only(t, answers); d.Location != igd {
				t.Errorf("found %+v", d)
			}
			if len(f.gets) > c.reads {
				t.Errorf("read %v", f.gets)
			}
		})
	}
}

// A description that never comes does not hold up one on another port.
func TestSearchPassesADeadOne(t *testing.T) {
	noLeaks(t)
	f, dead := newFakeIGD(t), newFakeIGD(t)
	igd := f.describe(t, "/igd.xml", "miniupnpd-igd1.xml")
	found := make(chan struct{})
	dead.pages["/"] = func(http.ResponseWriter, *http.Request) { <-found }
	d := only(t, hunted(t, "", named(dead.URL+"/", igd), func(Answer) { close(found) }))
	if d.Location != igd {
		t.Errorf("found %+v", d)
	}
}

func TestSearchReportsABetterOne(t *testing.T) {
	noLeaks(t)
	const first, second = "/ctl/IPConn", "/igdupnp/control/WANIPConn1"
	for name, c := range map[string]struct {
		lines map[string]string
		want  []string // paths of the descriptions reported, in order
		asked int      // questions it took
	}{
		"the second is connected": {map[string]string{first: "Disconnected 0.0.0.0", second: "Connected 203.0.113.7"}, []string{"/first.xml", "/second.xml"}, 4},
		"the first answers none":  {map[string]string{second: "Connected 10.0.0.2"}, []string{"/first.xml", "/second.xml"}, 4},
		"the first is as good":    {map[string]string{first: "Connected 203.0.113.7", second: "Connected 203.0.113.7"}, []string{"/first.xml"}, 2},
		"both are private":        {map[string]string{first: "Connected 10.0.0.2", second: "Connected 10.0.0.2"}, []string{"/first.xml"}, 4},
		"nobody answers":          {nil, []string{"/first.xml"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = byPath(c.lines)
			one := f.describe(t, "/first.xml", "miniupnpd-igd2.xml")
			two := f.describe(t, "/second.xml", "fritzbox.xml")
			reported := make(chan struct{}, 2)
			inTurn := func(heard func(ssdpAnswer)) {
				heard(ssdpAnswer{one, true})
				<-reported
				heard(ssdpAnswer{two, true})
			}
			var got []string
			for _, a := range hunted(t, "", inTurn, func(Answer) { reported <- struct{}{} }) {
				got = append(got, mustURL(t, a.Client.Device().Location).Path)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("reported %v, want %v", got, c.want)
			}
			if len(f.seen()) != c.asked {
				t.Errorf("asked %v", f.seen())
			}
		})
	}
}

func TestSearchFindsNothing(t *testing.T) {
	noLeaks(t)
	f := newFakeIGD(t)
	media := f.describe(t, "/media.xml", "mediaserver.xml")
	for name, c := range map[string]struct {
		search func(func(ssdpAnswer))
		want   error
	}{
		"silence":           {named(), ErrNoAnswer},
		"a media server":    {named(media), errNoService},
		"a closed location": {named(closedPort(t)), ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			answers := hunted(t, "", c.search, nothing)
			if len(answers) != 1 || answers[0].Client != nil || !errors.Is(answers[0].Err, c.want) {
				t.Errorf("answers %+v, want %v", answers, c.want)
			}
		})
	}
	t.Run("an IPv6 gateway", func(t *testing.T) {
		var answers []Answer
		Search{Gateway: netip.IPv6Loopback()}.upnp(t.Context(), func(a Answer) { answers = append(answers, a) })
		if len(answers) != 1 || answers[0].Client != nil || answers[0].Err == nil {
			t.Errorf("answers %+v", answers)
		}
	})
}

func TestSearchEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	f := newFakeIGD(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.pages["/"] = func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }
	s := Search{Gateway: loopback, Local: loopback, Known: f.URL + "/", Slow: true, Ports: Ports{SSDP: 9}, Log: noLog}
	var answers []Answer
	s.upnp(ctx, func(a Answer) { answers = append(answers, a) })
	if len(answers) != 1 || !errors.Is(answers[0].Err, context.Canceled) {
		t.Errorf("answers %+v", answers)
	}
}
