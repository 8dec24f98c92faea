package portmap

import (
	"bytes"
	"testing"
)

func FuzzPCPReply(f *testing.F) {
	for _, b := range [][]byte{nil, pcpHello, pcpGrant, pcpGrant[:24], append(bytes.Clone(pcpGrant), 2, 0, 0, 0), unhex("0080 0001 000003e8")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parsePCPReply(b)
		if !ok {
			return
		}
		if no := r.refusal(); (no == nil) != (r.result == pcpSuccess) || no != nil && (no.Name == "" || no.Retry < 0 || no.Retry > pcpLongError) {
			t.Fatalf("%x: refusal %+v", b, no)
		}
		if b[0] != pcpVersion {
			if r.result != pcpUnsuppVersion {
				t.Fatalf("%x: believed, though of version %d", b, b[0])
			}
			return
		}
		again, ok := parsePCPReply(pcpReplyBytes(r))
		if !ok || again != r {
			t.Fatalf("%x: decoded to %+v, and encoded and decoded again to %+v", b, r, again)
		}
	})
}

func FuzzNATPMPReply(f *testing.F) {
	for _, b := range [][]byte{nil, natpmpOuter, natpmpOuter[:8], natpmpGrant, patched(pcpHello, 3, 1)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parseNATPMPReply(b)
		if !ok {
			return
		}
		if no := r.refusal(); (no == nil) != (r.result == natpmpSuccess) || no != nil && no.Name == "" {
			t.Fatalf("%x: refusal %+v", b, no)
		}
		if r.result != natpmpSuccess && r.addr.IsValid() {
			t.Fatalf("%x: a failure came with the address %v", b, r.addr)
		}
		if r.result == natpmpSuccess && r.opcode != natpmpExternal && !r.hasInternal {
			t.Fatalf("%x: a yes without its mapping was believed", b)
		}
		if r.hasInternal && r.result == natpmpSuccess {
			want := appendNATPMPMap(nil, map[uint8]Transport{natpmpMapUDP: UDP, natpmpMapTCP: TCP}[r.opcode], r.internal, r.external, r.lifetime)
			if got := b[8:16]; !bytes.Equal(got, want[4:]) {
				t.Fatalf("%x: decoded to %+v", b, r)
			}
		}
	})
}

func FuzzAnnouncement(f *testing.F) {
	for _, b := range [][]byte{nil, pcpHello, natpmpOuter, pcpGrant} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := parseAnnouncement(b)
		if ok && (!a.Outer.HasEpoch || a.Protocol == PCP && a.Outer.Addr.IsValid() || b[1] != 0x80) {
			t.Fatalf("%x: believed as %+v", b, a)
		}
	})
}
