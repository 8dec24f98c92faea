package firewall

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ole/go-ole"
)

func TestAnswered(t *testing.T) {
	const exception = 0x80020009 // DISP_E_EXCEPTION
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"by itself", ole.NewError(0x8000FFFF), "CurrentProfileTypes answered 0x8000FFFF"},
		{"an exception that tells nothing", ole.NewErrorWithSubError(exception, "", ole.EXCEPINFO{}), "CurrentProfileTypes answered 0x80020009"},
		{"not the system's", errors.New("no such thing"), "CurrentProfileTypes: no such thing"},
	} {
		if got := answered("CurrentProfileTypes", row.err); got.Error() != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	if err := answered("Add", ole.NewError(accessDenied)); !errors.Is(err, ErrNotPermitted) {
		t.Errorf("E_ACCESSDENIED: %v", err)
	}
}

// TestLookTellsWhyInWords: whatever this Windows answers, nobody reads the words of a library. (Wine
// answers nothing of what is asked.)
func TestLookTellsWhyInWords(t *testing.T) {
	r, err := Look(t.Context(), Question{Transport: "udp", Port: 27886})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	for _, words := range []string{"<nil>", "FormatMessage", "2147"} {
		if strings.Contains(r.Why, words) {
			t.Errorf("%q has %q", r.Why, words)
		}
	}
}
