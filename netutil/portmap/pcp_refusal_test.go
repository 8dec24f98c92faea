package portmap

import (
	"errors"
	"testing"
	"time"
)

func TestPCPRefusals(t *testing.T) {
	tests := []struct {
		code int
		name string
		kind Kind
	}{
		{1, "UNSUPP_VERSION", NotSupported},
		{2, "NOT_AUTHORIZED", Denied},
		{3, "MALFORMED_REQUEST", Other},
		{4, "UNSUPP_OPCODE", NotSupported},
		{5, "UNSUPP_OPTION", NotSupported},
		{6, "MALFORMED_OPTION", Other},
		{7, "NETWORK_FAILURE", NoOuterAddress},
		{8, "NO_RESOURCES", NoOuterAddress},
		{9, "UNSUPP_PROTOCOL", NotSupported},
		{10, "USER_EX_QUOTA", Full},
		{11, "CANNOT_PROVIDE_EXTERNAL", Conflict},
		{12, "ADDRESS_MISMATCH", AddressMismatch},
		{13, "EXCESSIVE_REMOTE_PEERS", Other},
		{14, "UNKNOWN", Other},
		{255, "UNKNOWN", Other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := Refusal{Protocol: PCP, Kind: tt.kind, Code: tt.code, Name: tt.name, Retry: 30 * time.Second}
			no := patched(pcpGrant, 3, tt.code, 6, 0, 7, 30)
			r := newPMPRouter(t, pmpReplies(no))
			c := NewPCP(localhost, localhost, r.ports())
			m, err := c.Map(t.Context(), pcpTestRequest())
			wantRefusal(t, err, want)
			if m != (Mapping{}) {
				t.Errorf("a refusal came with the mapping %v", m)
			}
			if tt.code != pcpNoResources {
				wantRefusal(t, c.Unmap(t.Context(), Mapping{Transport: UDP, Internal: pcpTestRequest().Internal, Nonce: pcpTestNonce}), want)
			}
		})
	}
	t.Run("header alone", func(t *testing.T) {
		r := newPMPRouter(t, pmpReplies(patched(pcpGrant, 3, 3)[:24]))
		_, err := NewPCP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
		wantRefusal(t, err, Refusal{Protocol: PCP, Code: 3, Name: "MALFORMED_REQUEST", Retry: pcpLongError})
	})
	t.Run("for 136 years", func(t *testing.T) {
		r := newPMPRouter(t, pmpReplies(patched(pcpGrant, 3, 10, 4, 255)))
		_, err := NewPCP(localhost, localhost, r.ports()).Map(t.Context(), pcpTestRequest())
		wantRefusal(t, err, Refusal{Protocol: PCP, Kind: Full, Code: 10, Name: "USER_EX_QUOTA", Retry: 30 * time.Minute})
	})
}

func wantRefusal(t *testing.T, err error, want Refusal) {
	t.Helper()
	var no *Refusal
	if !errors.As(err, &no) || *no != want {
		t.Errorf("got %v (%+v), want %+v", err, no, want)
	}
}

// A router that refuses PREFER_FAILURE is asked without it, and from then on at once.
func TestPCPWithoutOption(t *testing.T) {
	for _, code := range []int{5, 6} {
		r := newPMPRouter(t, func(q pmpQuestion) [][]byte {
			if len(q.data) > pcpMapLen {
				return [][]byte{patched(pcpGrant, 3, code)}
			}
			return [][]byte{pcpGrant}
		})
		c := NewPCP(localhost, localhost, r.ports())
		exact := pcpTestRequest()
		exact.Exact = true
		for range 2 {
			if _, err := c.Map(t.Context(), exact); err != nil {
				t.Fatal(err)
			}
		}
		var sent []int
		for _, q := range r.questions() {
			sent = append(sent, len(q.data))
		}
		if len(sent) != 3 || sent[0] != 64 || sent[1] != 60 || sent[2] != 60 {
			t.Errorf("result %d: sent requests of %v bytes, want 64, 60, 60", code, sent)
		}
	}
}
