package portmap

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"
)

var pcpTestNonce = Nonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

func pcpTestRequest() Request {
	return Request{
		Transport: UDP,
		Internal:  netip.AddrPortFrom(localhost, 27886),
		External:  27886,
		Lease:     time.Hour,
		Nonce:     pcpTestNonce,
	}
}

// pcpGrant is a router's yes to pcpTestRequest: 203.0.113.7:27886 for 7200 s, epoch 1000.
var pcpGrant = unhex("02810000 00001c20 000003e8 000000000000000000000000" +
	"0102030405060708090a0b0c 11000000 6cee6cee 00000000000000000000ffffcb007107")

// pcpHello is a yes to ANNOUNCE, epoch 1000.
var pcpHello = unhex("02800000 00000000 000003e8 000000000000000000000000")

func TestPCPRequestBytes(t *testing.T) {
	const header = "00000000000000000000ffff7f000001"
	const mapped = "0102030405060708090a0b0c 11000000 6cee6cee 00000000000000000000ffff"
	mapping := Mapping{
		Transport: UDP,
		Internal:  netip.AddrPortFrom(localhost, 27886),
		External:  netip.MustParseAddrPort("203.0.113.7:27886"),
		Nonce:     pcpTestNonce,
	}
	tests := []struct {
		name  string
		reply []byte
		do    func(c Client) error
		want  string
	}{
		{"external address", pcpHello,
			func(c Client) error { _, err := c.External(t.Context()); return err },
			"02000000 00000000" + header},
		{"map", pcpGrant,
			func(c Client) error { _, err := c.Map(t.Context(), pcpTestRequest()); return err },
			"02010000 00000e10" + header + mapped + "00000000"},
		{"map to exactly this port", pcpGrant,
			func(c Client) error {
				r := pcpTestRequest()
				r.Exact = true
				_, err := c.Map(t.Context(), r)
				return err
			},
			"02010000 00000e10" + header + mapped + "00000000 02000000"},
		{"map to any port cannot be exact", pcpGrant,
			func(c Client) error {
				r := pcpTestRequest()
				r.Exact, r.External = true, 0
				_, err := c.Map(t.Context(), r)
				return err
			},
			"02010000 00000e10" + header + "0102030405060708090a0b0c 11000000 6cee0000 00000000000000000000ffff00000000"},
		{"lease is cut to whole seconds and the largest number", pcpGrant,
			func(c Client) error {
				r := pcpTestRequest()
				r.Lease = 1<<63 - 1
				_, err := c.Map(t.Context(), r)
				return err
			},
			"02010000 ffffffff" + header + mapped + "00000000"},
		{"delete", patched(pcpGrant, 6, 0, 7, 0),
			func(c Client) error { return c.Unmap(t.Context(), mapping) },
			"02010000 00000000" + header + mapped + "cb007107"},
		{"delete what is gone", patched(pcpGrant, 3, 8),
			func(c Client) error { return c.Unmap(t.Context(), mapping) },
			"02010000 00000000" + header + mapped + "cb007107"},
		{"delete TCP", patched(pcpGrant, 36, 6),
			func(c Client) error { m := mapping; m.Transport = TCP; return c.Unmap(t.Context(), m) },
			"02010000 00000000" + header + "0102030405060708090a0b0c 06000000 6cee6cee 00000000000000000000ffffcb007107"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.reply))
			if err := tt.do(NewPCP(localhost, localhost, r.ports())); err != nil {
				t.Fatal(err)
			}
			got := r.questions()
			if len(got) != 1 || !bytes.Equal(got[0].data, unhex(tt.want)) {
				t.Errorf("sent %v\nwant %x", got, unhex(tt.want))
			}
		})
	}
}

func TestPCPMapGranted(t *testing.T) {
	tests := []struct {
		name     string
		reply    []byte
		external string // "" = an error that is no refusal
		lease    time.Duration
	}{
		{"as asked", pcpGrant, "203.0.113.7:27886", 2 * time.Hour},
		{"with the option echoed", append(bytes.Clone(pcpGrant), 2, 0, 0, 0), "203.0.113.7:27886", 2 * time.Hour},
		{"with options that say nonsense", append(bytes.Clone(pcpGrant), 9, 9, 255, 255), "203.0.113.7:27886", 2 * time.Hour},
		{"another port", patched(pcpGrant, 43, 0xef), "203.0.113.7:27887", 2 * time.Hour},
		{"private address", patched(pcpGrant, 56, 192, 57, 168, 58, 1, 59, 2), "192.168.1.2:27886", 2 * time.Hour},
		{"longest lease", patched(pcpGrant, 4, 255, 5, 255, 6, 255, 7, 255), "203.0.113.7:27886", (1<<32 - 1) * time.Second},
		{"no lease", patched(pcpGrant, 6, 0, 7, 0), "", 0},
		{"no port", patched(pcpGrant, 42, 0, 43, 0), "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.reply))
			before := time.Now().Round(0)
			m, err := NewPCP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
			if tt.external == "" {
				var no *Refusal
				if err == nil || errors.As(err, &no) {
					t.Fatalf("got %v, %v, want an error that is no refusal", m, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.Granted != m.Granted.Round(0) || m.Granted.Before(before) {
				t.Errorf("granted at %v, want now by the wall clock", m.Granted)
			}
			want := Mapping{
				Protocol: PCP, Gateway: localhost, Transport: UDP,
				Internal: netip.AddrPortFrom(localhost, 27886), External: netip.MustParseAddrPort(tt.external),
				Lease: tt.lease, Granted: m.Granted, Nonce: pcpTestNonce,
			}
			if m != want {
				t.Errorf("got  %+v\nwant %+v", m, want)
			}
		})
	}
}

func TestPCPMapAddressNotTold(t *testing.T) {
	r := newPMPRouter(t, pmpReplies(patched(pcpGrant, 56, 0, 57, 0, 58, 0, 59, 0)))
	m, err := NewPCP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
	if err != nil {
		t.Fatal(err)
	}
	if m.External.Addr().IsValid() || m.External.Port() != 27886 {
		t.Errorf("external is %v, want no address and port 27886", m.External)
	}
}

// What is not the answer is dropped, and the answer behind it still counts.
func TestPCPDropsStrayReplies(t *testing.T) {
	odd := patched(pcpGrant, 43, 0xff) // would be taken for a grant of another port
	tests := []struct {
		name  string
		stray []byte
	}{
		{"empty", nil},
		{"one byte", odd[:1]},
		{"success without the mapping", odd[:24]},
		{"cut in the mapping", odd[:56]},
		{"length no multiple of 4", append(bytes.Clone(odd), 0)},
		{"longer than 1100", append(bytes.Clone(odd), make([]byte, 1044)...)},
		{"much longer than 1100", append(bytes.Clone(odd), make([]byte, 1900)...)},
		{"a request", patched(odd, 1, 1)},
		{"another opcode", patched(odd, 1, 0x82)},
		{"to ANNOUNCE", patched(odd, 1, 0x80)},
		{"refusal to ANNOUNCE", patched(odd, 1, 0x80, 3, 2)},
		{"NAT-PMP's version, said with success", patched(odd, 0, 0)},
		{"an unknown version, said with success", patched(odd, 0, 3)},
		{"another nonce", patched(odd, 24, 99)},
		{"another protocol", patched(odd, 36, 6)},
		{"another internal port", patched(odd, 41, 1)},
		{"refusal for another nonce", patched(odd, 3, 2, 35, 99)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.stray, pcpGrant))
			m, err := NewPCP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
			if err != nil || m.External.Port() != 27886 {
				t.Fatalf("got %v, %v, want the grant behind the stray", m.External, err)
			}
			if n := len(r.questions()); n != 1 {
				t.Errorf("asked %d times, want 1: a stray is no reason to ask again", n)
			}
		})
	}
}

func TestPCPExternal(t *testing.T) {
	tests := []struct {
		name  string
		reply []byte
		want  Outer
		code  int // of the refusal
	}{
		{"yes", pcpHello, Outer{Epoch: 1000, HasEpoch: true}, 0},
		{"does not know ANNOUNCE", patched(pcpHello, 3, 4), Outer{Epoch: 1000, HasEpoch: true}, 0},
		{"not authorized", patched(pcpHello, 3, 2), Outer{Epoch: 1000, HasEpoch: true}, 2},
		{"speaks only NAT-PMP", unhex("0080 0001 000003e8"), Outer{}, 1},
		{"speaks only NAT-PMP, four bytes", unhex("0080 0001"), Outer{}, 1},
		{"speaks an older PCP", unhex("0180 0001 000003e8"), Outer{}, 1},
		{"speaks a newer PCP", patched(pcpHello, 0, 3, 3, 1), Outer{}, 1},
		{"NAT-PMP's success first", natpmpOuter, Outer{Epoch: 1000, HasEpoch: true}, 0},
		{"refusal in another version first", patched(pcpHello, 0, 3, 3, 2), Outer{Epoch: 1000, HasEpoch: true}, 0},
		{"answer to MAP first", pcpGrant, Outer{Epoch: 1000, HasEpoch: true}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newPMPRouter(t, pmpReplies(tt.reply, pcpHello))
			outer, err := NewPCP(localhost, localhost, r.ports()).External(t.Context())
			if outer != tt.want {
				t.Errorf("got %+v, want %+v", outer, tt.want)
			}
			var no *Refusal
			errors.As(err, &no)
			if tt.code == 0 && err != nil || tt.code != 0 && (no == nil || no.Code != tt.code) {
				t.Errorf("got error %v, want result %d", err, tt.code)
			}
		})
	}
}

func TestPCPExternalAddressFromMapping(t *testing.T) {
	r := newPMPRouter(t, func(q pmpQuestion) [][]byte {
		if q.data[1] == pcpMap {
			return [][]byte{pcpGrant}
		}
		return [][]byte{pcpHello}
	})
	c := NewPCP(localhost, localhost, r.ports())
	if _, err := c.Map(t.Context(), pcpTestRequest()); err != nil {
		t.Fatal(err)
	}
	outer, err := c.External(t.Context())
	want := Outer{Addr: netip.MustParseAddr("203.0.113.7"), Epoch: 1000, HasEpoch: true}
	if err != nil || outer != want {
		t.Errorf("got %+v, %v, want %+v", outer, err, want)
	}
	if _, err := c.Lookup(t.Context(), UDP, 27886); !errors.Is(err, ErrCannotLook) {
		t.Errorf("Lookup gave %v, want ErrCannotLook", err)
	}
}
