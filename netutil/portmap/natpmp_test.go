package portmap

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"
)

var (
	// natpmpOuter tells 203.0.113.7, epoch 1000.
	natpmpOuter = unhex("0080 0000 000003e8 cb007107")
	// natpmpGrant gives port 27886 for 7200 s, epoch 1000.
	natpmpGrant = unhex("0081 0000 000003e8 6cee 6cee 00001c20")
)

func TestNATPMPRequestBytes(t *testing.T) {
	mapping := Mapping{Transport: UDP, Internal: pcpTestRequest().Internal, External: netip.MustParseAddrPort("203.0.113.7:27887")}
	tests := []struct {
		name  string
		reply []byte
		do    func(c Client) error
		want  string
	}{
		{"external address", natpmpOuter,
			func(c Client) error { _, err := c.External(t.Context()); return err },
			"0000"},
		{"map", natpmpGrant,
			func(c Client) error { _, err := c.Map(t.Context(), pcpTestRequest()); return err },
			"0001 0000 6cee 6cee 00000e10"},
		{"map TCP", patched(natpmpGrant, 1, 0x82),
			func(c Client) error {
				r := pcpTestRequest()
				r.Transport, r.External = TCP, 80
				_, err := c.Map(t.Context(), r)
				return err
			},
			"0002 0000 6cee 0050 00000e10"},
		{"delete names no external port", unhex("0081 0000 000003e8 6cee 0000 00000000"),
			func(c Client) error { return c.Unmap(t.Context(), mapping) },
			"0001 0000 6cee 0000 00000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.reply))
			if err := tt.do(NewNATPMP(localhost, localhost, r.ports())); err != nil {
				t.Fatal(err)
			}
			got := r.questions()
			if len(got) != 1 || !bytes.Equal(got[0].data, unhex(tt.want)) {
				t.Errorf("sent %v\nwant %x", got, unhex(tt.want))
			}
		})
	}
}

func TestNATPMPMap(t *testing.T) {
	tests := []struct {
		name  string
		reply []byte
		port  uint16 // 0 = an error that is no refusal
		lease time.Duration
	}{
		{"as asked", natpmpGrant, 27886, 2 * time.Hour},
		{"another port", patched(natpmpGrant, 11, 0xef), 27887, 2 * time.Hour},
		{"longer than the standard says", append(bytes.Clone(natpmpGrant), 0), 27886, 2 * time.Hour},
		{"no lease", patched(natpmpGrant, 14, 0, 15, 0), 0, 0},
		{"no port", patched(natpmpGrant, 10, 0, 11, 0), 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.reply))
			m, err := NewNATPMP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
			if tt.port == 0 {
				var no *Refusal
				if err == nil || errors.As(err, &no) {
					t.Fatalf("got %v, %v, want an error that is no refusal", m, err)
				}
				return
			}
			want := Mapping{
				Protocol: NATPMP, Gateway: localhost, Transport: UDP,
				Internal: netip.AddrPortFrom(localhost, 27886), External: netip.AddrPortFrom(netip.Addr{}, tt.port),
				Lease: tt.lease, Granted: m.Granted.Round(0),
			}
			if err != nil || m != want {
				t.Errorf("got  %+v, %v\nwant %+v", m, err, want)
			}
		})
	}
}

func TestNATPMPDropsStrayReplies(t *testing.T) {
	odd := patched(natpmpGrant, 11, 0xff)
	tests := []struct {
		name  string
		stray []byte
	}{
		{"empty", nil},
		{"one byte", odd[:1]},
		{"cut before the lease", odd[:12]},
		{"longer than 1100", append(bytes.Clone(odd), make([]byte, 1085)...)},
		{"a request", patched(odd, 1, 1)},
		{"for TCP", patched(odd, 1, 0x82)},
		{"the external address", natpmpOuter},
		{"another internal port", patched(odd, 9, 1)},
		{"refusal for another internal port", patched(odd, 3, 2, 9, 1)},
		{"PCP's version, said with success", patched(odd, 0, 2)},
		{"PCP's version, another refusal", patched(odd, 0, 2, 3, 2)},
		{"an unknown version", patched(odd, 0, 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.stray, natpmpGrant))
			m, err := NewNATPMP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
			if err != nil || m.External.Port() != 27886 {
				t.Fatalf("got %v, %v, want the grant behind the stray", m.External, err)
			}
		})
	}
}

func TestNATPMPRefusals(t *testing.T) {
	tests := []struct {
		code int
		name string
		kind Kind
	}{
		{1, "Unsupported Version", NotSupported},
		{2, "Not Authorized/Refused", Denied},
		{3, "Network Failure", NoOuterAddress},
		{4, "Out of resources", Full},
		{5, "Unsupported opcode", NotSupported},
		{6, "Unknown", Other},
		{255, "Unknown", Other},
	}
	for _, tt := range tests {
		for _, length := range []int{natpmpErrorLen, natpmpMapLen} {
			want := Refusal{Protocol: NATPMP, Kind: tt.kind, Code: tt.code, Name: tt.name}
			r := newPMPRouter(t, pmpReplies(patched(natpmpGrant, 3, tt.code)[:length]))
			c := NewNATPMP(localhost, localhost, r.ports())
			_, err := c.Map(t.Context(), pcpTestRequest())
			wantRefusal(t, err, want)
			wantRefusal(t, c.Unmap(t.Context(), Mapping{Transport: UDP, Internal: pcpTestRequest().Internal}), want)
		}
	}
}

func TestNATPMPExternal(t *testing.T) {
	outside := netip.MustParseAddr("203.0.113.7")
	tests := []struct {
		name  string
		reply []byte
		want  Outer
		code  int // of the refusal
	}{
		{"yes", natpmpOuter, Outer{Addr: outside, Epoch: 1000, HasEpoch: true}, 0},
		{"no address", patched(natpmpOuter, 8, 0, 9, 0, 10, 0, 11, 0), Outer{Epoch: 1000, HasEpoch: true}, 0},
		{"outer side is down", patched(natpmpOuter, 3, 3), Outer{Epoch: 1000, HasEpoch: true}, 3},
		{"switched off", patched(natpmpOuter, 3, 2)[:8], Outer{Epoch: 1000, HasEpoch: true}, 2},
		{"unknown result", patched(natpmpOuter, 2, 1), Outer{Epoch: 1000, HasEpoch: true}, 256},
		{"another version", patched(natpmpOuter, 3, 1), Outer{}, 1},
		{"speaks only PCP", patched(pcpHello, 3, 1), Outer{}, 1},
		{"success, but cut short", natpmpOuter[:8], Outer{Addr: outside, Epoch: 1000, HasEpoch: true}, 0},
		{"grant first", natpmpGrant, Outer{Addr: outside, Epoch: 1000, HasEpoch: true}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.reply, natpmpOuter))
			c := NewNATPMP(localhost, localhost, r.ports())
			outer, err := c.External(t.Context())
			if outer != tt.want {
				t.Errorf("got %+v, want %+v", outer, tt.want)
			}
			var no *Refusal
			errors.As(err, &no)
			if tt.code == 0 && err != nil || tt.code != 0 && (no == nil || no.Code != tt.code) {
				t.Errorf("got error %v, want result %d", err, tt.code)
			}
			if _, err := c.Lookup(t.Context(), UDP, 27886); !errors.Is(err, ErrCannotLook) {
				t.Errorf("Lookup gave %v, want ErrCannotLook", err)
			}
		})
	}
}
