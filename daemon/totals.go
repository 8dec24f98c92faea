package daemon

import "time"

// Totals is what has been counted about a port since the program started, or since the settings
// have had the port. Counts only grow.
type Totals struct {
	Grants    uint64      `json:"grants"`               // mappings that the router granted anew
	Renewals  uint64      `json:"renewals"`             // renewals of such a mapping that it granted
	Checks    CheckTotals `json:"checks"`               // checks from outside, by what they came to
	Shut      int64       `json:"shut"`                 // seconds in which the verdict was neither ready nor reachable, up to shut_since
	ShutSince *time.Time  `json:"shut_since,omitempty"` // since when it is neither; absent while it is
}

// CheckTotals counts the checks from outside that have ended.
type CheckTotals struct {
	Reachable   uint64 `json:"reachable"`
	Unreachable uint64 `json:"unreachable"`
	Failed      uint64 `json:"failed"` // the checker could not be asked, or had no answer
}

// tally keeps the Totals of a port.
type tally struct {
	grants, renewals uint64
	checks           CheckTotals
	shut             time.Duration // of the times that are over
	shutSince        time.Time     // zero while the port is open
}

func (t *tally) granted(renewal bool) {
	if renewal {
		t.renewals++
	} else {
		t.grants++
	}
}

func (t *tally) checked(f Fact[checkResult]) {
	switch {
	case f.Err != nil:
		t.checks.Failed++
	case f.Value.answer.Reachable:
		t.checks.Reachable++
	default:
		t.checks.Unreachable++
	}
}

// totals are what there is to tell at now, with this verdict.
func (t *tally) totals(verdict Verdict, now time.Time) Totals {
	p := Port{Verdict: verdict}
	switch open := p.open(); {
	case !open && t.shutSince.IsZero():
		t.shutSince = now.UTC()
	case open && !t.shutSince.IsZero():
		t.shut += max(0, now.Sub(t.shutSince)) // the clock may have been set back
		t.shutSince = time.Time{}
	}
	out := Totals{Grants: t.grants, Renewals: t.renewals, Checks: t.checks, Shut: int64(t.shut.Round(time.Second) / time.Second)}
	if !t.shutSince.IsZero() {
		since := t.shutSince
		out.ShutSince = &since
	}
	return out
}
