package portmap

import (
	"fmt"
	"testing"
)

func TestNotifyWatch(t *testing.T) {
	// Two descriptions of one router, the second device a part of the first.
	const a, b = "http://192.168.1.1:5000/a.xml", "http://192.168.1.1:5000/b.xml"
	say := func(udn, location string, bootID uint32) Announcement {
		return Announcement{Protocol: UPnP, UDN: udn, Location: location, BootID: bootID, HasBootID: bootID != 0}
	}
	bye := func(udn string) Announcement { return Announcement{Protocol: UPnP, UDN: udn, ByeBye: true} }
	type heard struct {
		Announcement
		restarted bool
	}
	for name, list := range map[string][]heard{
		"first one":                     {{say("root", a, 5), false}},
		"repetition":                    {{say("root", a, 5), false}, {say("root", a, 5), false}},
		"repetition without boot id":    {{say("root", a, 0), false}, {say("root", a, 0), false}},
		"another boot id, once":         {{say("root", a, 5), false}, {say("part", a, 5), false}, {say("root", a, 6), true}, {say("part", a, 6), false}, {say("root", a, 6), false}},
		"a part is the first to say so": {{say("root", a, 5), false}, {say("part", a, 6), true}, {say("root", a, 6), false}},
		"a lower boot id":               {{say("root", a, 5), false}, {say("root", a, 1), true}},
		"boot id left out once":         {{say("root", a, 5), false}, {say("root", a, 0), false}, {say("root", a, 5), false}, {say("root", a, 6), true}},
		"boot id told later":            {{say("root", a, 0), false}, {say("root", a, 5), false}, {say("root", a, 6), true}},
		"moved, once":                   {{say("root", a, 0), false}, {say("part", a, 0), false}, {say("root", b, 0), true}, {say("part", b, 0), false}, {say("root", b, 0), false}},
		"moved with another boot id":    {{say("root", a, 5), false}, {say("part", a, 5), false}, {say("part", b, 6), true}, {say("root", b, 6), false}},
		"two devices, turn by turn":     {{say("one", a, 5), false}, {say("two", b, 9), false}, {say("one", a, 5), false}, {say("two", b, 9), false}},
		"one device at two locations":   {{say("root", a, 0), false}, {say("root", b, 0), true}, {say("root", a, 0), false}, {say("root", b, 0), false}},
		"back after goodbye, once":      {{say("root", a, 0), false}, {bye("root"), false}, {bye("part"), false}, {say("root", a, 0), true}, {say("part", a, 0), false}, {say("root", a, 0), false}},
		"goodbye heard first":           {{bye("root"), false}, {bye("root"), false}, {say("root", a, 5), true}, {say("root", a, 5), false}},
		"goodbye of another device":     {{say("one", a, 0), false}, {bye("two"), false}, {say("one", a, 0), false}},
		"back with another boot id":     {{say("root", a, 5), false}, {bye("root"), false}, {say("root", a, 6), true}, {say("root", a, 6), false}},
		"other protocols":               {{say("root", a, 5), false}, {Announcement{Protocol: PCP, Outer: Outer{HasEpoch: true}}, false}, {say("root", a, 5), false}},
	} {
		t.Run(name, func(t *testing.T) {
			var w NotifyWatch
			for i, h := range list {
				if got := w.Restarted(h.Announcement); got != h.restarted {
					t.Errorf("announcement %d: restarted is %v, want %v", i+1, got, h.restarted)
				}
			}
		})
	}
}

// What is remembered has an end, and the newest stays.
func TestNotifyWatchForgets(t *testing.T) {
	var w NotifyWatch
	say := func(i int, bootID uint32) bool {
		return w.Restarted(Announcement{Protocol: UPnP, UDN: fmt.Sprint("uuid:", i), Location: fmt.Sprintf("http://192.168.1.1/%d", i), BootID: bootID, HasBootID: true})
	}
	for i := range 10 * recentSize {
		if say(i, 1) {
			t.Errorf("device %d, heard for the first time, was taken for a restart", i)
		}
	}
	for i := 9 * recentSize; i < 10*recentSize; i++ {
		if !say(i, 2) {
			t.Errorf("the restart of device %d was not noticed", i)
		}
	}
	if say(0, 2) {
		t.Error("the oldest device is still remembered")
	}
}
