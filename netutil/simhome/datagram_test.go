package simhome

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// raw reads bytes written down in hexadecimal, spaces allowed.
func raw(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	usMapped   = "00000000000000000000ffff c0a80117"
	selfMapped = "00000000000000000000ffff 7f000001"
	noMapped   = "00000000000000000000ffff 00000000"
	zero12     = "000000000000000000000000"
	nonce      = "0102030405060708090a0b0c"
	pcpHead    = "0201 0000 00000e10 " + usMapped + " "
	pcpOK      = "0281 0000 00000e10 00000000 " + zero12 + " "
	mapData    = nonce + " 11000000 6cee 6cee "
	preferFail = " 02000000"
)

// TestDatagrams gives requests as bytes and wants answers as bytes (RFC 6886 sections 3.2 to 3.5,
// RFC 6887 sections 7, 11 and 14), so that the codec is held to the standards and not to another
// codec of ours. "" is no answer. 6cee is 27886, 0b4d0002 is 11.77.0.2.
func TestDatagrams(t *testing.T) {
	cases := []struct {
		name    string
		harm    func(*Home)
		request string
		want    string
	}{
		{"PMP address", nil, "0000", "0080 0000 00000000 0b4d0002"},
		{"PMP address of none", faulty(func(f *Faults) { f.NoOuter = true }), "0000", "0080 0003 00000000 00000000"},
		{"PMP map UDP", nil, "0001 0000 6cee 6cee 00000e10", "0081 0000 00000000 6cee 6cee 00000e10"},
		{"PMP map TCP", nil, "0002 0000 6cee 0000 0000003c", "0082 0000 00000000 6cee 6cee 0000003c"},
		{"PMP delete nothing", nil, "0001 0000 6cee 0000 00000000", "0081 0000 00000000 6cee 0000 00000000"},
		{"PMP delete all", nil, "0001 0000 0000 0000 00000000", "0081 0000 00000000 0000 0000 00000000"},
		{"PMP refused", faulty(func(f *Faults) { f.Deny = true }), "0001 0000 6cee 6cee 00000e10", "0081 0002 00000000 6cee 0000 00000000"},
		{"PMP opcode", nil, "0003 0000 6cee 6cee 00000e10", "0083 0005 00000000"},
		{"PMP too short", nil, "0001 0000 6cee", ""},
		{"an answer", nil, "0080 0000 00000000 0b4d0002", ""},
		{"one byte", nil, "00", ""},

		{"PCP announce", nil, "0200 0000 00000000 " + usMapped, "0280 0000 00000000 00000000 " + zero12},
		{"PCP map", nil, pcpHead + mapData + noMapped, pcpOK + mapData + "00000000000000000000ffff 0b4d0002"},
		{"PCP map of loopback", nil, "0201 0000 00000e10 " + selfMapped + mapData + noMapped, pcpOK + mapData + "00000000000000000000ffff 0b4d0002"},
		{"PCP prefer failure", nil, pcpHead + mapData + noMapped + preferFail, pcpOK + mapData + "00000000000000000000ffff 0b4d0002" + preferFail},
		{"PCP prefer failure, taken", func(h *Home) { h.Take(neighbor, portmap.UDP, port) },
			pcpHead + mapData + noMapped + preferFail, "0281 000b 0000001e 00000000 " + zero12 + mapData + noMapped + preferFail},
		{"PCP delete nothing", nil, "0201 0000 00000000 " + usMapped + mapData + noMapped, "0281 0000 00000000 00000000 " + zero12 + mapData + noMapped},
		{"PCP through a NAT", nil, "0201 0000 00000e10 00000000000000000000ffff c0a80118 " + mapData + noMapped,
			"0281 000c 00000708 00000000 " + zero12 + mapData + noMapped},
		{"PCP no resources", faulty(func(f *Faults) { f.NoOuter = true }), pcpHead + mapData + noMapped, "0281 0008 0000001e 00000000 " + zero12 + mapData + noMapped},
		{"PCP SCTP", nil, pcpHead + nonce + " 84000000 6cee 6cee " + noMapped, "0281 0009 00000708 00000000 " + zero12 + nonce + " 84000000 6cee 6cee " + noMapped},
		{"PCP third party", nil, pcpHead + mapData + noMapped + " 0100 0010 " + usMapped,
			"0281 0005 00000708 00000000 " + zero12 + mapData + noMapped + " 0100 0010 " + usMapped},
		{"PCP option one may ignore", nil, pcpHead + mapData + noMapped + " 8000 0001 ff000000",
			pcpOK + mapData + "00000000000000000000ffff 0b4d0002 8000 0001 ff000000"},
		{"PCP option too long", nil, pcpHead + mapData + noMapped + " 8000 ffff",
			"0281 0006 00000708 00000000 " + zero12 + mapData + noMapped + " 8000 ffff"},
		{"PCP peer", nil, "0202 0000 00000e10 " + usMapped, "0282 0004 00000708 00000000 " + zero12},
		{"PCP map without data", nil, "0201 0000 00000e10 " + usMapped, "0281 0003 00000708 00000000 " + zero12},
		{"PCP odd length", nil, "0200 0000 00000000 " + usMapped + "00", "0280 0003 00000708 00000000 " + zero12},
		{"PCP version 3", nil, "0300 0000 00000000 " + usMapped, "0280 0001 00000708 00000000 " + zero12},
		{"PCP version 1", nil, "0100", "0280 0001 00000708 00000000 " + zero12},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := New(Options{})
			if c.harm != nil {
				c.harm(h)
			}
			if got, want := hex.EncodeToString(ask1(h, raw(t, c.request))), hex.EncodeToString(raw(t, c.want)); got != want {
				t.Errorf("answered\n%s, want\n%s", got, want)
			}
		})
	}
}

// ask1 is what the server does with a datagram, without its socket.
func ask1(h *Home, b []byte) []byte {
	if _, _, ok := sortDatagram(b); !ok {
		return nil
	}
	return h.answerDatagram(b, us)
}

func TestOtherVersionAnswers(t *testing.T) {
	pcp, pmp := raw(t, "0200 0000 00000000 "+usMapped), raw(t, "0000")
	h := New(Options{})
	h.Configure(func(f *Faults) { f.PCP = Off })
	if got := hex.EncodeToString(h.wrongVersion(pcp)); got != "0080000100000000" {
		t.Errorf("PCP off, NAT-PMP says %s", got)
	}
	h.Configure(func(f *Faults) { f.PCP, f.PMP = Answers, Off })
	if got := hex.EncodeToString(h.wrongVersion(pmp)); got != "028000010000070800000000"+zero12 {
		t.Errorf("NAT-PMP off, PCP says %s", got)
	}
	h.Configure(func(f *Faults) { f.PCP = Silent })
	if got := h.wrongVersion(pmp); got != nil {
		t.Errorf("NAT-PMP off and PCP silent: %x", got)
	}
}

func TestAnnouncementBytes(t *testing.T) {
	a := Announcement{Booted: true, Outer: public, Epoch: 5}
	if got := hex.EncodeToString(a.PMP()); got != "00800000000000050b4d0002" {
		t.Errorf("NAT-PMP announces %s", got)
	}
	if got := hex.EncodeToString(a.PCP()); got != "028000000000000000000005"+zero12 {
		t.Errorf("PCP announces %s", got)
	}
}

// TestSTUNBytes uses the transaction of RFC 5769 section 2.2, whose answer carries 192.0.2.1:32853 as
// a147 e112a643.
func TestSTUNBytes(t *testing.T) {
	const id = "2112a442 b7e7a701bc34d686fa87dfae"
	seen := netip.MustParseAddrPort("192.0.2.1:32853")
	got := hex.EncodeToString(answerSTUN(raw(t, "0001 0000"+id), seen))
	if want := hex.EncodeToString(raw(t, "0101 000c "+id+" 0020 0008 0001 a147 e112a643")); got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	for _, bad := range []string{"", "0001", "0101 0000" + id, "0001 0004" + id, "0001 0000 2112a443 b7e7a701bc34d686fa87dfae"} {
		if got := answerSTUN(raw(t, bad), seen); got != nil {
			t.Errorf("answered %x to %s", got, bad)
		}
	}
}

func FuzzDatagram(f *testing.F) {
	for _, s := range []string{"0000", "0001 0000 6cee 6cee 00000e10", "0200 0000 00000000 " + usMapped, pcpHead + mapData + noMapped + preferFail} {
		f.Add(raw(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := New(Options{})
		answer := ask1(h, b)
		if len(answer) > 0 && (answer[1]&replyBit == 0 || len(answer) > 1100) {
			t.Errorf("answered %x", answer)
		}
		answerSTUN(b, netip.AddrPortFrom(us, 1))
	})
}
