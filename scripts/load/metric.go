package main

import (
	"bytes"
	"strconv"
)

// metric finds the value of a metric without labels in Prometheus's text format.
func metric(text []byte, name string) (value float64, found bool) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(name+" "))
		if !ok {
			continue
		}
		value, err := strconv.ParseFloat(string(bytes.TrimSpace(rest)), 64)
		return value, err == nil
	}
	return 0, false
}
