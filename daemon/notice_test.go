package daemon

import (
	"slices"
	"testing"
	"time"
)

func TestNotice(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Second)
		for _, row := range []struct{ subject, text, want string }{
			{"The page", "the address is taken", "The page: the address is taken"},
			{"The page", "another one is taken", "The page: another one is taken"},
			{"The page", "", ""},
		} {
			h.d.Notice(h.t.Context(), row.subject, row.text)
			h.pass(time.Second)
			var want []string
			if row.want != "" {
				want = []string{row.want}
			}
			if n := h.d.Status().Notices; !slices.Equal(n, want) {
				t.Errorf("after %q: notices %q", row.text, n)
			}
		}
	})
}
