package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
	h "github.com/portsitter/portsitter/daemon/web/markup"
)

// serveDays is the picture of the past days as numbers: daemon.Days.
func (s *Server) serveDays(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, s.sitter.Days())
}

// The picture of the past days: a bar a day, midnight at its top and at its bottom. An hour is as wide
// as the bar when the port was open, has a bite taken out when it was shut for a part of it, and is a
// thin line when nobody watched: nobody has to tell green from red.
const (
	dayWide, hourHigh = 20, 4 // units of the drawing, bar and gap
	barWide           = 14
	marksAt           = 24*hourHigh + 4
)

// days draws the past days of one port. The list beneath has the same in words, and is what the
// script reads a day's hours from.
func (v viewer) days(id, port string, all daemon.Days) h.Node {
	i := slices.IndexFunc(all.Ports, func(p daemon.PortDays) bool { return p.Port == port })
	if i < 0 || len(all.Ports[i].Days) == 0 {
		return nil
	}
	days := all.Ports[i].Days
	list := make([]h.Node, len(days))
	for j, d := range days {
		list[len(days)-1-j] = h.E("li", h.A("data-hours", letters(d)), h.Text(dayWords(d, moves(all, d, v.now.Location()))))
	}
	n := fmt.Sprint(len(days))
	return card(id+"-days", "days", "The last "+n+" days",
		h.E("svg", h.Class("bars"), h.A("viewBox", fmt.Sprintf("0 0 %d %d", len(days)*dayWide, marksAt+14)), h.A("role", "img"),
			h.A("aria-label", daysWords(days, all.Addresses)), drawing(all, days, v.now.Location())),
		h.E("input", h.Class("scripted"), h.A("type", "range"), h.A("id", id+"-day"), h.A("min", "0"), h.A("max", fmt.Sprint(len(days)-1)),
			h.A("value", fmt.Sprint(len(days)-1)), h.A("aria-label", "Day")),
		h.E("div", h.Class("day scripted"), h.A("id", id+"-hours")),
		h.E("p", h.Class("quiet"), h.Text(daysWords(days, all.Addresses))),
		h.E("p", h.Class("quiet legend"), h.E("span", h.Class("k-open"), h.Text("open")), h.E("span", h.Class("k-shut"), h.Text("shut")),
			h.E("span", h.Class("k-unseen"), h.Text("not watched")), h.E("span", h.Class("k-moved"), h.Text("new address"))),
		h.E("details", h.A("id", id+"-list"), h.E("summary", h.A("id", id+"-list-more"), h.Text("Day by day")), h.E("ol", list...)))
}

// drawing is one path for each of what an hour can be, and the signs beneath.
func drawing(all daemon.Days, days []daemon.Day, zone *time.Location) h.Node {
	var open, shut, unseen, signs, moved strings.Builder
	for i, d := range days {
		x, hours := i*dayWide+(dayWide-barWide)/2, letters(d)
		for from := 0; from < 24; {
			to := from + 1
			for to < 24 && hours[to] == hours[from] {
				to++
			}
			rect := func(b *strings.Builder, left, wide int) {
				fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", x+left, from*hourHigh, wide, (to-from)*hourHigh, wide)
			}
			switch hours[from] {
			case 'o':
				rect(&open, 0, barWide)
			case 'p':
				rect(&open, 0, barWide/2)
				rect(&shut, barWide/2, barWide/2)
			case 's':
				rect(&shut, 0, barWide)
			case 'u':
				rect(&unseen, barWide/2-1, 2)
			}
			from = to
		}
		if strings.ContainsAny(hours, "ps") {
			fmt.Fprintf(&signs, "M%d %dl5 9h-10z", x+barWide/2, marksAt)
		}
		if moves(all, d, zone) > 0 {
			fmt.Fprintf(&moved, "M%d %dl4 4-4 4-4-4z", x+barWide/2, marksAt+4)
		}
	}
	path := func(class string, d *strings.Builder) h.Node {
		if d.Len() == 0 {
			return nil
		}
		return h.E("path", h.Class(class), h.A("d", d.String()))
	}
	return h.All(path("unseen-hour", &unseen), path("open-hour", &open), path("shut-hour", &shut), path("shut-hour", &signs), path("moved", &moved))
}

// letters says of each hour whether the port was open, partly shut, shut, or unseen: not
// watched, or still to come.
func letters(d daemon.Day) string {
	b := make([]byte, 24)
	for hour := range b {
		switch open, shut := d.Open[hour], d.Shut[hour]; {
		case open+shut <= 0:
			b[hour] = 'u'
		case shut <= 0:
			b[hour] = 'o'
		case shut < open:
			b[hour] = 'p'
		default:
			b[hour] = 's'
		}
	}
	return string(b)
}

// moves counts the new public addresses of a day. The first that is known is no change.
func moves(all daemon.Days, d daemon.Day, zone *time.Location) (n int) {
	for i, a := range all.Addresses {
		if i > 0 && a.At.In(zone).Format(time.DateOnly) == d.Date {
			n++
		}
	}
	return n
}

// dayWords tells one day in words.
func dayWords(d daemon.Day, moved int) string {
	date, err := time.Parse(time.DateOnly, d.Date)
	name := text(d.Date)
	if err == nil {
		name = date.Format("Mon 2 Jan")
	}
	open, shut := sums(d)
	words := name + ": "
	switch {
	case open+shut == 0:
		words += "not watched"
	case shut == 0:
		words += "open for " + long(open)
	case open == 0:
		words += "shut for " + long(shut)
	default:
		words += "open for " + long(open) + ", shut for " + long(shut) + shutHours(letters(d))
	}
	if moved > 0 {
		words += ", new public address"
	}
	return words
}

// shutHours names the hours in which a port was shut, where that helps.
func shutHours(hours string) string {
	first, last := strings.IndexAny(hours, "ps"), strings.LastIndexAny(hours, "ps")
	if first < 0 || last > first && strings.ContainsAny(hours[first:last], "ou") {
		return ""
	}
	return fmt.Sprintf(" between %d:00 and %d:00", first, last+1)
}

// daysWords tells all days in a sentence.
func daysWords(days []daemon.Day, addresses []daemon.AddressChange) string {
	var open, shut time.Duration
	for _, d := range days {
		o, s := sums(d)
		open, shut = open+o, shut+s
	}
	if open+shut == 0 {
		return "Nothing has been watched yet."
	}
	words := "Watched for " + long(open+shut) + ": never shut."
	if shut > 0 {
		words = "Watched for " + long(open+shut) + ": shut for " + long(shut) + " of that."
	}
	switch n := max(len(addresses)-1, 0); n {
	case 0:
		return words + " The public address did not change."
	case 1:
		return words + " The public address changed once."
	default:
		return words + fmt.Sprintf(" The public address changed %d times.", n)
	}
}

func sums(d daemon.Day) (open, shut time.Duration) {
	for hour := range 24 {
		open, shut = open+seconds(int64(d.Open[hour])), shut+seconds(int64(d.Shut[hour]))
	}
	return open, shut
}
