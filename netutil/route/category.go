package route

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

// Category is what Windows calls the network behind a gateway. Its firewall goes by it, and a
// person has said by it whether the others on that network are to be trusted.
type Category string

// The categories. On systems other than Windows a network is always of the unknown one.
const (
	UnknownNetwork Category = ""
	PrivateNetwork Category = "private"
	PublicNetwork  Category = "public"
	DomainNetwork  Category = "domain"
)

// NetworkCategory is the category of the network that r leads to, by the hardware address of its
// gateway as HardwareAddr tells it. Windows keeps the networks that it has seen in the registry,
// with the address of each one's gateway. Of several with that gateway the one that was connected
// last counts.
//
// A network that Windows does not know, or an address that is not known, is UnknownNetwork and no
// error: that is not the same as private. An error means that the registry could not be read.
func NetworkCategory(r Route, mac string) (Category, error) {
	return networkCategory(r, mac, readSignatures, readProfile)
}

// signature is how Windows recognizes a network.
type signature struct {
	gatewayMAC []byte
	profile    string // GUID
}

// profile is what Windows remembers of a network.
type profile struct {
	category      uint64 // see categoryOf
	lastConnected []byte // SYSTEMTIME in local time
}

func networkCategory(r Route, mac string, signatures func() ([]signature, error), profileOf func(guid string) (profile, bool)) (Category, error) {
	hw, err := net.ParseMAC(mac)
	if err != nil || !r.Valid() {
		return UnknownNetwork, nil
	}
	if _, ok := macOf(hw); !ok {
		return UnknownNetwork, nil
	}
	list, err := signatures()
	if err != nil {
		return UnknownNetwork, fmt.Errorf("reading the category of the network behind %s: %w", r.Gateway, err)
	}
	var found []profile
	for _, s := range list {
		if bytes.Equal(s.gatewayMAC, hw) {
			if p, ok := profileOf(s.profile); ok {
				found = append(found, p)
			}
		}
	}
	return latestCategory(found), nil
}

// latestCategory is the category of the profile that was connected last. Several that cannot be
// told apart by time have to agree.
func latestCategory(profiles []profile) Category {
	var category Category
	var latest time.Time
	for i, p := range profiles {
		at, c := systemTime(p.lastConnected), categoryOf(p.category)
		switch {
		case i == 0 || at.After(latest):
			category, latest = c, at
		case at.Equal(latest) && c != category:
			category = UnknownNetwork
		}
	}
	return category
}

// categoryOf reads NLM_NETWORK_CATEGORY of netlistmgr.h.
func categoryOf(n uint64) Category {
	switch n {
	case 0:
		return PublicNetwork
	case 1:
		return PrivateNetwork
	case 2:
		return DomainNetwork
	}
	return UnknownNetwork
}

// systemTime reads a SYSTEMTIME of minwinbase.h, of which only the order matters here. What is none
// is the zero time, and so before all others.
func systemTime(b []byte) time.Time {
	if len(b) != 16 {
		return time.Time{}
	}
	field := func(i int) int { return int(binary.LittleEndian.Uint16(b[2*i:])) }
	year, month, day := field(0), field(1), field(3) // 2 is the day of the week
	if year == 0 || month < 1 || month > 12 || day < 1 || day > 31 {
		return time.Time{}
	}
	return time.Date(year, time.Month(month), day, field(4), field(5), field(6), field(7)*int(time.Millisecond), time.UTC)
}
