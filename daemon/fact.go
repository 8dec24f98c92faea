package daemon

import "time"

// Fact is one thing the loop knows, tried to find out, or never asked. The zero Fact was not asked.
// A Fact that failed is not knowledge of the opposite: it never deletes anything.
type Fact[T any] struct {
	Value T
	At    time.Time // when it was learnt or failed
	Err   error     // why it could not be found out
}

// Asked reports whether the question was ever put.
func (f Fact[T]) Asked() bool { return !f.At.IsZero() }

// Known reports whether Value is an answer.
func (f Fact[T]) Known() bool { return f.Asked() && f.Err == nil }

func known[T any](v T, at time.Time) Fact[T] { return Fact[T]{Value: v, At: at} }

func failed[T any](err error, at time.Time) Fact[T] { return Fact[T]{Err: err, At: at} }
