package route

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var homeRoute = Route{Gateway: netip.MustParseAddr(ethGateway), Local: netip.MustParseAddr("192.168.1.5")}

// windowsTime is a SYSTEMTIME with the wrong day of the week, which does not count.
func windowsTime(at string) []byte {
	t, err := time.Parse("2006-01-02 15:04:05.000", at)
	if err != nil {
		panic(err)
	}
	var b []byte
	for _, n := range []int{t.Year(), int(t.Month()), 9, t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1e6} {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
	}
	return b
}

func TestNetworkCategory(t *testing.T) {
	const home, cafe = "aa:bb:cc:dd:ee:01", "aa:bb:cc:dd:ee:02"
	at := func(mac, guid string) signature {
		hw, _ := net.ParseMAC(mac)
		return signature{gatewayMAC: hw, profile: guid}
	}
	profiles := map[string]profile{
		"public":  {0, windowsTime("2026-01-02 03:04:05.006")},
		"private": {1, windowsTime("2026-01-02 03:04:05.007")},
		"domain":  {2, windowsTime("2025-12-31 23:59:59.999")},
		"odd":     {3, windowsTime("2026-02-01 00:00:00.000")},
		"undated": {1, nil},
		"old":     {0, nil},
		"same":    {0, windowsTime("2026-01-02 03:04:05.007")},
	}
	for _, c := range []struct {
		name       string
		signatures []signature
		mac        string
		route      Route
		want       Category
	}{
		{"public", []signature{at(home, "public")}, home, homeRoute, PublicNetwork},
		{"private", []signature{at(cafe, "public"), at(home, "private")}, home, homeRoute, PrivateNetwork},
		{"domain", []signature{at(home, "domain")}, home, homeRoute, DomainNetwork},
		{"address in capitals", []signature{at(home, "private")}, strings.ToUpper(home), homeRoute, PrivateNetwork},
		{"the later one", []signature{at(home, "public"), at(home, "private"), at(home, "domain")}, home, homeRoute, PrivateNetwork},
		{"the later one comes last", []signature{at(home, "domain"), at(home, "public")}, home, homeRoute, PublicNetwork},
		{"another gateway's is later", []signature{at(home, "domain"), at(cafe, "public")}, home, homeRoute, DomainNetwork},
		{"a date counts more than none", []signature{at(home, "undated"), at(home, "public")}, home, homeRoute, PublicNetwork},
		{"no dates, agreed", []signature{at(home, "undated"), at(home, "undated")}, home, homeRoute, PrivateNetwork},
		{"no dates, not agreed", []signature{at(home, "undated"), at(home, "old")}, home, homeRoute, UnknownNetwork},
		{"same date, not agreed", []signature{at(home, "private"), at(home, "same")}, home, homeRoute, UnknownNetwork},
		{"later than two that do not agree", []signature{at(home, "undated"), at(home, "old"), at(home, "domain")}, home, homeRoute, DomainNetwork},
		{"category that nobody knows", []signature{at(home, "private"), at(home, "odd")}, home, homeRoute, UnknownNetwork},
		{"profile is gone", []signature{at(home, "none"), at(home, "domain")}, home, homeRoute, DomainNetwork},
		{"network not seen", []signature{at(cafe, "private")}, home, homeRoute, UnknownNetwork},
		{"signatures of other lengths", []signature{{[]byte{0xaa}, "private"}, {nil, "private"}}, home, homeRoute, UnknownNetwork},
		{"nothing seen", nil, home, homeRoute, UnknownNetwork},
		{"address not known", []signature{at("", "private")}, "", homeRoute, UnknownNetwork},
		{"address of zeros", []signature{at("00:00:00:00:00:00", "private")}, "00:00:00:00:00:00", homeRoute, UnknownNetwork},
		{"address of 8 bytes", []signature{at("02:00:5e:10:00:00:00:01", "private")}, "02:00:5e:10:00:00:00:01", homeRoute, UnknownNetwork},
		{"no address", []signature{at(home, "private")}, "router", homeRoute, UnknownNetwork},
		{"no route", []signature{at(home, "private")}, home, Route{}, UnknownNetwork},
	} {
		got, err := networkCategory(c.route, c.mac,
			func() ([]signature, error) { return c.signatures, nil },
			func(guid string) (profile, bool) { p, ok := profiles[guid]; return p, ok })
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestNetworkCategoryNotRead(t *testing.T) {
	denied := errors.New("access is denied")
	got, err := networkCategory(homeRoute, "aa:bb:cc:dd:ee:01", func() ([]signature, error) { return nil, denied }, nil)
	if got != UnknownNetwork || !errors.Is(err, denied) {
		t.Errorf("%q, %v, want the reason", got, err)
	}
}

// Here it reads this PC's own registry, if it has one: such a gateway is in none.
func TestNetworkCategoryOfThisPC(t *testing.T) {
	if got, err := NetworkCategory(homeRoute, "02:00:5e:10:00:01"); got != UnknownNetwork || err != nil {
		t.Errorf("%q, %v, want none", got, err)
	}
}

func TestSystemTime(t *testing.T) {
	want := time.Date(2026, 11, 20, 12, 30, 1, 2e6, time.UTC)
	if got := systemTime(windowsTime("2026-11-20 12:30:01.002")); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut": make([]byte, 15), "too long": make([]byte, 17), "zeros": make([]byte, 16),
		"month 13": {0xea, 7, 13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"day 0":    {0xea, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if got := systemTime(b); !got.IsZero() {
			t.Errorf("%s: %v, want none", name, got)
		}
	}
}
