package route

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDebounce plays events, given in milliseconds, and lists when it wakes: "!" at once, "." settled.
func TestDebounce(t *testing.T) {
	steady := func(from, to, step int) (list []int) {
		for at := from; at <= to; at += step {
			list = append(list, at)
		}
		return list
	}
	for _, c := range []struct {
		name   string
		events []int
		want   string
	}{
		{"nothing", nil, ""},
		{"one", []int{0}, "0! 1000. 10000."},
		{"a burst", []int{0, 10, 20, 500}, "0! 1500. 10500."},
		{"again before the late look", []int{0, 5000}, "0! 1000. 5000! 6000. 15000."},
		{"again after the late look", []int{0, 11000}, "0! 1000. 10000. 11000! 12000. 21000."},
		{"just when it settles", []int{0, 1000}, "0! 1000. 1000! 2000. 11000."},
		{"without a pause", steady(0, 12000, 500), "0! 10000. 10000! 13000. 22000."},
	} {
		if got := play(c.events); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func play(events []int) string {
	var d debounce
	var woken []string
	start := time.Unix(0, 0)
	settle := func(until time.Time) {
		for at, ok := d.due(); ok && !at.After(until); at, ok = d.due() {
			d.woken()
			woken = append(woken, fmt.Sprintf("%d.", at.Sub(start).Milliseconds()))
		}
	}
	for _, ms := range events {
		at := start.Add(time.Duration(ms) * time.Millisecond)
		settle(at)
		if d.event(at) {
			woken = append(woken, fmt.Sprintf("%d!", ms))
		}
	}
	settle(start.Add(time.Hour))
	return strings.Join(woken, " ")
}

func TestClockJumped(t *testing.T) {
	for _, c := range []struct {
		name          string
		wall, running time.Duration
		want          string
	}{
		{"a tick", tickEvery, tickEvery, ""},
		{"a late tick", 2 * tickEvery, 2 * tickEvery, ""},
		{"asleep, running clock stopped", 8 * time.Hour, tickEvery, reasonWokeUp},
		{"asleep, running clock went on", 8 * time.Hour, 8 * time.Hour, reasonWokeUp},
		{"just more than two ticks", 2*tickEvery + time.Millisecond, tickEvery, reasonWokeUp},
		{"slewed", tickEvery - 10*time.Millisecond, tickEvery, ""},
		{"set back a little", tickEvery - 2*time.Second, tickEvery, reasonClockSet},
		{"set back a lot", -time.Hour, tickEvery, reasonClockSet},
	} {
		start := time.Unix(1_000_000, 0)
		k := clock{wall: start, running: start}
		if got := k.jumped(start.Add(c.wall), start.Add(c.running), tickEvery); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		now := start.Add(c.wall)
		if got := k.jumped(now.Add(tickEvery), start.Add(c.running+tickEvery), tickEvery); got != "" {
			t.Errorf("%s: %q again at the next tick", c.name, got)
		}
	}
}
