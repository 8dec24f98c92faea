package system

import "testing"

// TestLookKnowsWhetherThereIsAManager: a container has none, and kardianos/service takes it for one with
// System V's.
func TestLookKnowsWhetherThereIsAManager(t *testing.T) {
	s, err := look(t.Context())
	if err != nil || s.State != Absent {
		t.Logf("here it says nothing: %+v, %v", s, err)
		return
	}
	if none := prepare(); (s.Manager == "") != (none != nil) {
		t.Errorf("%q is the manager, but for installing: %v", s.Manager, none)
	}
}
