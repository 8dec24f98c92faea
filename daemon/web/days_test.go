package web

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// dayOf makes a day of one letter an hour: o open, s shut, p shut for ten minutes, u not watched.
func dayOf(date, hours string) daemon.Day {
	d := daemon.Day{Date: date}
	for i, k := range hours {
		switch k {
		case 'o':
			d.Open[i] = 3600
		case 's':
			d.Shut[i] = 3600
		case 'p':
			d.Open[i], d.Shut[i] = 3000, 600
		}
	}
	return d
}

func TestDayInWords(t *testing.T) {
	for _, row := range []struct {
		hours string
		moved int
		want  string
	}{
		{"uuuuuuuuuuuuuuuuuuuuuuuu", 0, "Fri 20 Nov: not watched"},
		{"oooooooooooooooooooooooo", 0, "Fri 20 Nov: open for 24 h"},
		{"uuuuuuuuoooooouuuuuuuuuu", 1, "Fri 20 Nov: open for 6 h, new public address"},
		{"ssssssssssssssssssssssss", 0, "Fri 20 Nov: shut for 24 h"},
		{"oooooooooooooooooooposoo", 0, "Fri 20 Nov: open for 22 h 50 min, shut for 1 h 10 min"},
		{"oooooooooooooooooooosppo", 0, "Fri 20 Nov: open for 22 h 40 min, shut for 1 h 20 min between 20:00 and 23:00"},
		{"poooooooooooooooooooouuu", 0, "Fri 20 Nov: open for 20 h 50 min, shut for 10 min between 0:00 and 1:00"},
	} {
		d := dayOf("2026-11-20", row.hours)
		if got := letters(d); got != row.hours {
			t.Errorf("hours %s, want %s", got, row.hours)
		}
		if got := dayWords(d, row.moved); got != row.want {
			t.Errorf("%s: %q, want %q", row.hours, got, row.want)
		}
	}
	if got := dayWords(daemon.Day{Date: "<b>"}, 0); got != "<b>: not watched" {
		t.Errorf("a date that is none: %q", got)
	}
}

// TestDaysPicture: every hour of every day is drawn once, what cannot be seen is said, and a changed
// address has its sign.
func TestDaysPicture(t *testing.T) {
	s := readScene(t, "reachable")
	s.Days = daemon.Days{
		Ports: []daemon.PortDays{{Port: s.Status.Ports[0].Name, Days: []daemon.Day{
			dayOf("2026-11-19", "oooooooooooosspooooooooo"), dayOf("2026-11-20", "oooooooooooouuuuuuuuuuuu"),
		}}},
		Addresses: []daemon.AddressChange{
			{At: noon.AddDate(0, 0, -9), Address: netip.MustParseAddr("203.0.113.7")},
			{At: noon.AddDate(0, 0, -1), Address: netip.MustParseAddr("203.0.113.8")},
		},
	}
	page := draw(t, s, false)
	for _, want := range []string{
		"Watched for 36 h: shut for 2 h 10 min of that. The public address changed once.",
		`<li data-hours="oooooooooooosspooooooooo">Thu 19 Nov: open for 21 h 50 min, shut for 2 h 10 min between 12:00 and 15:00, new public address</li>`,
		`class="open-hour" d="M3 0h14v48h-14zM3 56h7v4h-7zM3 60h14v36h-14zM23 0h14v48h-14z"`,
		`class="shut-hour" d="M3 48h14v8h-14zM10 56h7v4h-7z"`,
		`class="unseen-hour" d="M29 48h2v48h-2z"`,
		`class="shut-hour" d="M10 100l5 9h-10z"`,
		`class="moved" d="M10 104l4 4-4 4-4-4z"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, regexp.MustCompile(`(?s)<svg class="bars".*?</ol>`).FindString(page))
		}
	}
}

func TestDaysAsNumbers(t *testing.T) {
	s, sitter := newServer(t, Options{})
	sitter.days = daemon.Days{
		Ports:     []daemon.PortDays{{Port: "A", Days: []daemon.Day{dayOf("2026-11-20", "os")}}},
		Addresses: []daemon.AddressChange{{At: noon, Address: netip.MustParseAddr("203.0.113.7")}},
	}
	body := ask(s, "GET", "/api/v1/days", nil).Body.String()
	var got daemon.Days
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Ports[0].Days[0].Shut[1] != 3600 || !got.Addresses[0].At.Equal(noon) {
		t.Errorf("%v in %s", err, body)
	}
	if want := `{"ports":[{"port":"A","days":[{"date":"2026-11-20","open":[3600,0,`; !strings.HasPrefix(body, want) {
		t.Errorf("%s, want %s", body, want)
	}
}

func TestLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", 2 * time.Minute: "2 min",
		time.Hour + 61*time.Second: "1 h 1 min", 47*time.Hour + 59*time.Minute: "47 h 59 min",
		48 * time.Hour: "2 days", 75*time.Hour + 10*time.Minute: "3 days 3 h",
	} {
		if got := long(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
