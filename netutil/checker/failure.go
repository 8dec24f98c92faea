package checker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrCheckerFailed is what every *Failure is: no checker gave an answer, and so nothing is known
// about the port.
var ErrCheckerFailed = errors.New("the check from outside could not be made")

// ErrNoCheckers means that the settings name no checker: it is switched off.
var ErrNoCheckers = errors.New("no checker to ask")

// Reason sorts the ways in which a checker fails.
type Reason string

// The reasons.
const (
	NotReached  Reason = "not-reached" // name look-up, TCP or TLS; or the connection broke
	TimedOut    Reason = "timed-out"   // it was reached, or not even that, and time ran out
	NoAddress   Reason = "no-address"  // its get-ip did not tell a public IPv4 address
	Busy        Reason = "busy"        // 429 or 503: later, see RetryAfter
	Refused     Reason = "refused"     // any other 3xx or 4xx: it does not want this question
	Broken      Reason = "broken"      // 5xx, a web page, anything that is no answer
	Stale       Reason = "stale"       // the address is older than 30 s: prepare again
	Interrupted Reason = "interrupted" // we stopped asking
	BadURL      Reason = "bad-url"     // the settings' address of the checker is none
)

// Failure is why one checker gave no answer. It is ErrCheckerFailed.
type Failure struct {
	URL        string
	Reason     Reason
	Status     int           // HTTP status; 0 when it did not come to that
	Detail     string        // what happened, for people
	RetryAfter time.Duration // how long a busy checker wants to be left alone; 0 = not told
	Err        error         // the system's error; may be nil
}

// Error says which checker failed and how.
func (f *Failure) Error() string {
	s := f.URL + ": " + f.Detail
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	if f.RetryAfter > 0 {
		s += fmt.Sprintf("; ask again in %v", f.RetryAfter)
	}
	return s
}

// Unwrap gives ErrCheckerFailed and the system's error.
func (f *Failure) Unwrap() []error { return []error{ErrCheckerFailed, f.Err} }

// lineFailure sorts an error of the connection, on which ctx had an eye.
func lineFailure(ctx context.Context, url, what string, err error) *Failure {
	f := &Failure{URL: url, Reason: NotReached, Detail: what, Err: err}
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		f.Reason = Interrupted
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.Reason = TimedOut
	}
	return f
}
