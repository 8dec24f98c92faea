package web

import (
	"strings"
	"testing"
	"time"
)

func TestMask(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"no address at all, 12:34:56, v1.2.3, 27886", "no address at all, 12:34:56, v1.2.3, 27886"},
		{"203.0.113.7", hiddenIPv4},
		{"203.0.113.7:27886", hiddenIPv4 + ":27886"},
		{"It is 203.0.113.7.", "It is " + hiddenIPv4 + "."},
		{"It is 203.0.113.7: see", "It is " + hiddenIPv4 + ": see"},
		{"(8.8.8.8/32)", "(" + hiddenIPv4 + "/32)"},
		{`"203.0.113.7","203.0.113.8"`, `"` + hiddenIPv4 + `","` + hiddenIPv4 + `"`},
		{"192.168.77.2:27886 10.0.0.1 172.16.5.5 127.0.0.1 169.254.1.1", "192.168.77.2:27886 10.0.0.1 172.16.5.5 127.0.0.1 169.254.1.1"},
		{"100.64.1.1 and 100.128.1.1", "100.64.1.1 and " + hiddenIPv4},
		{"0.0.0.0 255.255.255.255 224.0.0.1", "0.0.0.0 255.255.255.255 224.0.0.1"},
		{"2001:db8::7", hiddenIPv6},
		{"[2001:db8::7]:27886", "[" + hiddenIPv6 + "]:27886"},
		{"fe80::1 fd00::1 ::1 ::", "fe80::1 fd00::1 ::1 ::"},
		{"::ffff:203.0.113.7", hiddenIPv4},
		{"00:11:22:33:44:55", "00:11:22:33:44:55"},
		{"203.0.113.7日本", hiddenIPv4 + "日本"},
	}
	for _, tt := range tests {
		if got := mask(tt.in); got != tt.want {
			t.Errorf("mask(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("at 203.0.113.7:27886.")
	f.Add("[2001:db8::7]:1")
	f.Fuzz(func(t *testing.T, s string) {
		if once := mask(s); mask(once) != once {
			t.Fatalf("mask(%q) = %q, and again %q", s, once, mask(once))
		}
	})
}

func TestText(t *testing.T) {
	tests := []struct{ in, text, detail string }{
		{"plain", "plain", "plain"},
		{" two\r\nlines ", "two lines", "two\nlines"},
		{"tab\there", "tab here", "tab here"},
		{"\x1b[1mbold\x00\x7f", "[1mbold", "[1mbold"},
		{"turn\u202eed \u200bzero", "turned zero", "turned zero"},
		{"bad \xff UTF-8", "bad  UTF-8", "bad  UTF-8"},
		{"日本 é", "日本 é", "日本 é"},
		{strings.Repeat("é", maxText+1), strings.Repeat("é", maxText) + "…", strings.Repeat("é", maxText+1)},
		{strings.Repeat("é", maxDetail+1), strings.Repeat("é", maxText) + "…", strings.Repeat("é", maxDetail) + "…"},
	}
	for _, tt := range tests {
		if got := text(tt.in); got != tt.text {
			t.Errorf("text(%.40q) = %.40q, want %.40q", tt.in, got, tt.text)
		}
		if got := detail(tt.in); got != tt.detail {
			t.Errorf("detail(%.40q) = %.40q, want %.40q", tt.in, got, tt.detail)
		}
	}
}

func TestMoment(t *testing.T) {
	tests := []struct {
		offset time.Duration
		words  string
	}{
		{0, "now"}, {time.Second, "now"}, {-time.Second, "now"},
		{2 * time.Second, "in 2 s"}, {-2 * time.Second, "2 s ago"}, {-59 * time.Second, "59 s ago"},
		{-time.Minute, "1 min ago"}, {time.Hour - time.Second, "in 59 min"}, {-time.Hour, "1 h ago"},
		{-47 * time.Hour, "47 h ago"}, {-48 * time.Hour, "2 days ago"}, {400 * 24 * time.Hour, "in 400 days"},
	}
	for _, tt := range tests {
		if got := momentOf(noon.Add(tt.offset), noon); got.Words != tt.words {
			t.Errorf("%v: %q, want %q", tt.offset, got.Words, tt.words)
		}
	}
	here := noon.In(time.FixedZone("CET", 3600))
	if m := momentOf(noon, here); m.ISO != "2026-11-20T12:00:00Z" || m.Exact != "Fri 20 Nov 2026, 13:00:00 CET" {
		t.Errorf("moment %+v", m)
	}
	if momentOf(time.Time{}, noon) != nil || momentAt(nil, noon) != nil {
		t.Error("a time that is not known is shown")
	}
}
