package daemon

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

const theDoor = "Kaillera P2P"

// past is a history that is told line by line.
type past struct{ *ledger }

func (p *past) at(clock, kind string, more ...any) *past {
	e := Event{Kind: kind, Port: theDoor}
	e.At, _ = time.Parse("2 15:04:05", clock)
	e.At = e.At.AddDate(2026, 10, 0)
	for _, m := range more {
		switch m := m.(type) {
		case Code:
			e.Code = m
		case string:
			e.Address = netip.MustParseAddr(m)
		case map[string]Code:
			e.Codes = m
		}
	}
	p.add(e)
	return p
}

// quiet lets hours go by in which nothing happens but the marks.
func (p *past) quiet(hours int) *past {
	for range hours * int(time.Hour/markEvery) {
		p.add(Event{At: p.last.Add(markEvery), Kind: "alive"})
	}
	return p
}

// hours writes a day as one letter an hour: o open, s shut, - not watched, x some of each.
func hours(d Day) string {
	letters := ""
	for h := range 24 {
		switch open, shut := d.Open[h], d.Shut[h]; {
		case open == 3600:
			letters += "o"
		case shut == 3600:
			letters += "s"
		case open+shut == 0:
			letters += "-"
		default:
			letters += "x"
		}
	}
	return letters
}

func TestDays(t *testing.T) {
	for _, row := range []struct {
		name       string
		tell       func(*past)
		hours      string // of 20 November
		open, shut int    // seconds of that day
	}{
		{"nothing is known", func(*past) {}, "------------------------", 0, 0},
		{"open all morning", func(p *past) {
			p.at("20 06:00:00", "start").at("20 06:00:00", "verdict", CodeReady).quiet(6).at("20 12:00:00", "verdict", Stopped)
		}, "------oooooo------------", 6 * 3600, 0},
		{"since long ago, known by the day's first mark", func(p *past) {
			p.at("20 00:00:00", "alive", map[string]Code{theDoor: CodeReachable}).quiet(2)
		}, "oo----------------------", 2 * 3600, 0},
		{"shut for a minute", func(p *past) {
			p.at("20 06:00:00", "verdict", CodeReady).quiet(1).at("20 07:00:00", "verdict", Starting).at("20 07:01:00", "verdict", CodeReady).quiet(1)
		}, "------oxx---------------", 2 * 3600, 60},
		{"shut for another reason: it goes on", func(p *past) {
			p.at("20 06:00:00", "verdict", NoRouterAnswer).quiet(1).at("20 07:00:00", "verdict", PortTaken).quiet(1)
		}, "------ss----------------", 0, 2 * 3600},
		{"not opened yet is not shut", func(p *past) {
			p.at("20 06:00:00", "start").at("20 06:00:00", "verdict", Starting).quiet(1).at("20 07:00:00", "verdict", NoRouterAnswer).quiet(1)
		}, "-------s----------------", 0, 3600},
		{"the PC was off: killed at 07:00, back at 09:00", func(p *past) {
			p.at("20 06:00:00", "verdict", CodeReady).quiet(1).at("20 09:00:00", "start").at("20 09:00:00", "verdict", CodeReady).quiet(1)
		}, "------o--o--------------", 2 * 3600, 0},
		{"a fast restart: what lies between is not known", func(p *past) {
			p.at("20 06:00:00", "verdict", CodeReady).at("20 06:05:00", "start").at("20 06:05:01", "verdict", CodeReady).at("20 06:06:00", "alive")
		}, "------x-----------------", 59, 0},
		{"the PC slept: the verdict goes on, the night is not known", func(p *past) {
			p.at("20 06:00:00", "verdict", CodeReady).quiet(1).at("20 10:00:00", "alive").quiet(1)
		}, "------o---o-------------", 2 * 3600, 0},
		{"a port that is gone from the settings", func(p *past) {
			p.at("20 06:00:00", "verdict", CodeReady).quiet(1).at("20 07:00:00", "alive", map[string]Code{"other": CodeReady}).quiet(1)
		}, "------o-----------------", 3600, 0},
		{"the clock was set back an hour: no hour has more than an hour", func(p *past) {
			p.at("20 06:00:00", "verdict", CodeReady).quiet(2).at("20 07:00:00", "alive").quiet(1)
		}, "------oo----------------", 2 * 3600, 0},
		{"the address is not known: open, but nothing to offer", func(p *past) {
			p.at("20 06:00:00", "verdict", AddressUnknown).quiet(1)
		}, "------------------------", 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := &past{newLedger()}
			row.tell(p)
			days := p.days([]string{theDoor}, time.Date(2026, 11, 20, 23, 59, 0, 0, time.UTC), 30)
			today := days.Ports[0].Days[29]
			open, shut := 0, 0
			for h := range 24 {
				open, shut = open+today.Open[h], shut+today.Shut[h]
			}
			if got := hours(today); today.Date != "2026-11-20" || got != row.hours || open != row.open || shut != row.shut {
				t.Errorf("%s %s, open %d, shut %d\nwant       %s, open %d, shut %d", today.Date, got, open, shut, row.hours, row.open, row.shut)
			}
			for _, d := range days.Ports[0].Days[:29] {
				if hours(d) != "------------------------" {
					t.Errorf("%s %s", d.Date, hours(d))
				}
			}
		})
	}
}

func TestDaysKnowTheAddresses(t *testing.T) {
	p := &past{newLedger()}
	p.at("1 06:00:00", "address", "203.0.113.7").at("2 06:00:00", "start").at("2 06:00:00", "address", "203.0.113.7").at("3 04:00:00", "address", "203.0.113.9")
	later := newLedger()
	later.add(Event{At: t0, Kind: "address", Address: netip.MustParseAddr("203.0.113.9")})
	later.add(Event{At: t0.Add(time.Hour), Kind: "address", Address: netip.MustParseAddr("203.0.113.7")})
	got := later.after(p.ledger).days(nil, t0.Add(2*time.Hour), 30).Addresses
	if len(got) != 3 || got[0].Address.String() != "203.0.113.7" || got[1].At.Day() != 3 || !got[2].At.Equal(t0.Add(time.Hour)) {
		t.Errorf("addresses %+v", got)
	}
}

// TestDaysInATimeZone: days begin at this PC's midnight, also where the clocks change.
func TestDaysInATimeZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		month time.Month
		day   int
		whole int // seconds of that day
	}{{time.October, 25, 25 * 3600}, {time.March, 29, 23 * 3600}, {time.June, 1, 24 * 3600}} {
		p := &past{newLedger()}
		p.add(Event{At: time.Date(2026, row.month, row.day-1, 12, 0, 0, 0, time.UTC), Kind: "verdict", Port: theDoor, Code: CodeReady})
		p.quiet(48)
		days := p.days([]string{theDoor}, time.Date(2026, row.month, row.day+1, 1, 0, 0, 0, berlin), 2).Ports[0].Days
		open := 0
		for _, n := range days[0].Open {
			open += n
		}
		if open != row.whole || days[1].Open[0] != 3600 || days[1].Open[1] != 0 {
			t.Errorf("%s %d: %d s open, the next day %v", row.month, row.day, open, days[1].Open)
		}
	}
}

// TestLedgerIsBounded: any file can claim anything.
func TestLedgerIsBounded(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	kinds, codes := []string{"start", "alive", "verdict", "verdict", "address", "nonsense"}, []Code{CodeReady, NotForwarding, Starting, Stopped, "nonsense"}
	l := newLedger()
	at := t0
	for i := range 30_000 {
		at = at.Add(time.Duration(draw.IntN(20)-2) * time.Minute)
		l.add(Event{At: at, Kind: kinds[draw.IntN(len(kinds))], Port: fmt.Sprint(draw.IntN(300)), Code: codes[draw.IntN(len(codes))],
			Address: netip.AddrFrom4([4]byte{byte(i), byte(i >> 8), 1, 1}), Codes: map[string]Code{theDoor: CodeReady}})
	}
	spans := 0
	for _, s := range l.spans {
		spans = max(spans, len(s))
	}
	if len(l.spans) > maxPortNames || len(l.doors) > maxPortNames || spans > maxSpans || len(l.addresses) > maxAddresses {
		t.Errorf("%d ports, %d doors, %d spans, %d addresses", len(l.spans), len(l.doors), spans, len(l.addresses))
	}
	for _, p := range l.days([]string{theDoor, "7"}, at, 30).Ports {
		for _, d := range p.Days {
			for h := range 24 {
				if d.Open[h] < 0 || d.Shut[h] < 0 || d.Open[h]+d.Shut[h] > 3600 {
					t.Fatalf("%s %s %d h: open %d, shut %d", p.Port, d.Date, h, d.Open[h], d.Shut[h])
				}
			}
		}
	}
}

// TestDaysSurviveARestart: what was written down paints the same picture after kill -9 and a new
// start, a quiet day costs few lines, and none of them is in the timeline.
func TestDaysSurviveARestart(t *testing.T) {
	var first []Event
	var before Days
	inHouse(t, nil, func(h *house) {
		h.pass(26 * time.Hour)
		first, before = h.lines(), h.d.Days()
	})
	marks := slices.DeleteFunc(slices.Clone(first), func(e Event) bool { return e.Kind != "alive" })
	if len(marks) < 100 || len(marks) > 26*4 {
		t.Errorf("%d marks in 26 hours", len(marks))
	}
	killed := slices.DeleteFunc(slices.Clone(first), func(e Event) bool { return e.Code == Stopped })
	inHouse(t, func(h *house) {
		h.pass(27 * time.Hour) // the PC was off for the last of these
		h.past = killed
	}, func(h *house) {
		h.pass(time.Minute)
		after := h.d.Days()
		for i := range 26 {
			day, hour := 28+i/24, i%24
			was, is := before.Ports[0].Days[day].Open[hour], after.Ports[0].Days[day].Open[hour]
			if is == 0 || is < was-int(markEvery/time.Second) {
				t.Errorf("hour %d: open %d s before the restart, %d s after it", i, was, is)
			}
		}
		if off := after.Ports[0].Days[29].Open[2]; off != 0 {
			t.Errorf("open for %d s while the PC was off", off)
		}
		if len(after.Addresses) != 1 || !h.d.History()[0].At.Equal(first[0].At) {
			t.Errorf("addresses %+v, first event %+v", after.Addresses, h.d.History()[0])
		}
		if slices.ContainsFunc(h.d.History(), func(e Event) bool { return e.Kind == "alive" }) {
			t.Error("a mark is in the timeline")
		}
	})
}

// TestThePastEndsWhereThisRunBegins: the file is read when the port is open, and has lines of this run
// already.
func TestThePastEndsWhereThisRunBegins(t *testing.T) {
	inHouse(t, func(h *house) {
		now := time.Now().UTC()
		h.past = []Event{{At: now.Add(-time.Hour), Kind: "start", Text: "long ago"}, {At: now, Kind: "start", Text: "this run"}, {At: now, Kind: "network", Text: "twice"}}
	}, func(h *house) {
		h.pass(time.Minute)
		if h.readAt != CodeReady {
			t.Errorf("the history was read while the port was %q: opening it comes first", h.readAt)
		}
		told := h.d.History()
		if told[0].Text != "long ago" || told[1].Kind != "start" || slices.ContainsFunc(told, func(e Event) bool { return e.Text == "twice" }) {
			t.Errorf("history %+v", told)
		}
	})
}

// TestAMonthFits: with the most ports there can be, a quiet month is well within one history file, so
// that the file and the one before it always reach back that far.
func TestAMonthFits(t *testing.T) {
	size := 0
	for mark := range 31 * int(24*time.Hour/markEvery) {
		e := Event{At: t0.Add(time.Duration(mark)*markEvery + 123456789), Kind: "alive"}
		if mark%int(24*time.Hour/markEvery) == 0 {
			e.Codes = map[string]Code{}
			for port := range 32 {
				e.Codes[fmt.Sprintf("A port with quite a long name, %d", port)] = OtherExternalPort
			}
		}
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		size += len(line) + 1
	}
	if size > maxHistory/2 {
		t.Errorf("a quiet month has %d bytes", size)
	}
	t.Logf("%d bytes", size)
}

// BenchmarkPast is what a start pays for a full history, once the port is open.
func BenchmarkPast(b *testing.B) {
	st := &Store{b.TempDir()}
	for i := range 20_000 {
		if err := st.Record(Event{At: t0.Add(time.Duration(i) * time.Minute), Kind: "alive"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		l := newLedger()
		for e := range st.Events {
			l.add(e)
		}
	}
}
