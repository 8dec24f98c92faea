package portmap

import (
	"testing"
	"time"
)

func TestEpochRules(t *testing.T) {
	const top = 1<<32 - 1
	tests := []struct {
		name            string
		last, now       uint32
		wall, monotonic time.Duration
		pcp, natpmp     bool // lost
	}{
		{"goes on as time does", 1000, 1020, 20 * time.Second, 20 * time.Second, false, false},
		{"same second", 1000, 1000, 0, 0, false, false},
		{"restarted", 100000, 3, 20 * time.Second, 20 * time.Second, true, true},
		{"restarted, told twice", 0, 0, 250 * time.Millisecond, 250 * time.Millisecond, false, false},
		{"a packet overtaken on the way", 1000, 999, 0, 0, false, false},
		{"two seconds backwards", 1000, 998, 0, 0, true, false},
		{"three seconds backwards", 1000, 997, 0, 0, true, true},
		{"stands still for 2 s", 1000, 1000, 2 * time.Second, 2 * time.Second, false, false},
		{"stands still for 20 s", 1000, 1000, 20 * time.Second, 20 * time.Second, true, true},
		{"always 0", 0, 0, 20 * time.Second, 20 * time.Second, true, true},
		{"up for less time than passed", 100, 3000, time.Hour, time.Hour, true, true},
		{"runs a sixteenth slow", 0, 93750, 100000 * time.Second, 100000 * time.Second, false, false},
		{"runs a little slower than that", 0, 93740, 100000 * time.Second, 100000 * time.Second, true, false},
		{"runs an eighth slow", 0, 87500, 100000 * time.Second, 100000 * time.Second, true, false},
		{"runs slower than an eighth", 0, 87490, 100000 * time.Second, 100000 * time.Second, true, true},
		{"runs a sixteenth fast", 0, 106250, 100000 * time.Second, 100000 * time.Second, false, false},
		{"leaps ahead", 1000, 5000, 20 * time.Second, 20 * time.Second, true, false},
		{"leaps ahead by half of all", 1000, 1 << 31, 20 * time.Second, 20 * time.Second, true, false},
		{"runs over", top - 9, 10, 20 * time.Second, 20 * time.Second, false, false},
		{"runs over, and lost 15 s doing so", top - 9, 10, 35 * time.Second, 35 * time.Second, true, true},
		{"restarted shortly before it ran over", top - 9, 3600, 20 * time.Second, 20 * time.Second, true, true},
		{"restarted from a high epoch", 3000000000, 5, 20 * time.Second, 20 * time.Second, true, true},
		{"the PC slept for 8 h", 1000, 1000 + 28800, 8 * time.Hour, 5 * time.Second, false, false},
		{"the PC slept, and the router restarted meanwhile", 1000, 20000, 8 * time.Hour, 5 * time.Second, true, true},
		{"our clock was set back by 1 h", 1000, 1020, -time.Hour, 20 * time.Second, false, false},
		{"our clock was set forward by 1 h", 1000, 1020, time.Hour, 20 * time.Second, true, true}, // like a sleep
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			elapsed := elapsedBy(tt.wall, tt.monotonic)
			if got := pcpEpochLost(tt.last, tt.now, elapsed); got != tt.pcp {
				t.Errorf("PCP: lost is %v, want %v", got, tt.pcp)
			}
			if got := natpmpEpochLost(tt.last, tt.now, elapsed); got != tt.natpmp {
				t.Errorf("NAT-PMP: lost is %v, want %v", got, tt.natpmp)
			}
		})
	}
}

func TestEpochClock(t *testing.T) {
	start := time.Now()
	for _, p := range []Protocol{PCP, NATPMP} {
		clock := EpochClock{Protocol: p}
		for _, step := range []struct {
			at    time.Duration
			epoch uint32
			lost  bool
		}{
			{0, 5000, false}, // the first is believed, whatever it is
			{20 * time.Second, 5020, false},
			{40 * time.Second, 4, true},
			{60 * time.Second, 24, false}, // told once
			{61 * time.Second, 0, true},
		} {
			if got := clock.Lost(start.Add(step.at), step.epoch); got != step.lost {
				t.Errorf("%s: epoch %d after %v: lost is %v, want %v", p, step.epoch, step.at, got, step.lost)
			}
		}
	}
	gentle, strict := EpochClock{Protocol: NATPMP}, EpochClock{Protocol: PCP}
	gentle.Lost(start, 1000)
	strict.Lost(start, 1000)
	if later := start.Add(20 * time.Second); gentle.Lost(later, 5000) || !strict.Lost(later, 5000) {
		t.Error("an epoch that leaps ahead has to alarm PCP's rule and not NAT-PMP's")
	}
	// Times without a monotonic reading work too; a clock set back then is one of the false alarms.
	wall := EpochClock{Protocol: PCP}
	wall.Lost(start.Round(0), 1000)
	if wall.Lost(start.Round(0).Add(20*time.Second), 1020) || !wall.Lost(start.Round(0).Add(-time.Hour), 1040) {
		t.Error("by wall clock alone: want no loss after 20 s, and one after the clock was set back")
	}
}
