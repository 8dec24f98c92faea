//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// times are the results of one contender: those that came to something, and how many did not.
type times struct {
	took   []time.Duration
	failed int
	why    string // of the first failure
}

func (t *times) add(took time.Duration, err error) {
	if err != nil {
		if t.failed++; t.why == "" {
			t.why, _, _ = strings.Cut(err.Error(), "\n")
		}
		return
	}
	t.took = append(t.took, took)
}

// median is 0 when nothing came to anything.
func (t *times) median() time.Duration {
	s := slices.Sorted(slices.Values(t.took))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

// spread is "min / median / max" in milliseconds.
func (t *times) spread() string {
	s := slices.Sorted(slices.Values(t.took))
	if len(s) == 0 {
		return "–"
	}
	return fmt.Sprintf("%s / **%s** / %s", ms(s[0]), ms(t.median()), ms(s[len(s)-1]))
}

// runs is how often it was tried, and how often in vain.
func (t *times) runs() string {
	all := len(t.took) + t.failed
	if t.failed == 0 {
		return fmt.Sprint(all)
	}
	return fmt.Sprintf("%d, %d in vain", all, t.failed)
}

// ms writes a duration in milliseconds with about three digits.
func ms(d time.Duration) string {
	f := float64(d.Microseconds()) / 1000
	switch {
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

// ratio is a / b.
func ratio(a, b time.Duration) string {
	if a == 0 || b == 0 {
		return "–"
	}
	f := float64(a) / float64(b)
	if f < 10 {
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

// heading begins a table.
func heading(title, words string, columns ...string) {
	fmt.Printf("\n### %s\n\n", title)
	if words != "" {
		fmt.Printf("%s\n\n", words)
	}
	fmt.Printf("| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
}

// row prints one line of a table.
func row(cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = strings.ReplaceAll(fmt.Sprint(c), "|", "\\|")
	}
	fmt.Printf("| %s |\n", strings.Join(text, " | "))
}

// note is a remark below a table.
func note(format string, args ...any) { fmt.Printf("\n"+format+"\n", args...) }
