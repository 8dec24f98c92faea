package checker

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// refusal is why no check was made.
type refusal string

const (
	refusedRequest refusal = "request" // it could not be understood
	refusedAddress refusal = "address" // not the caller's, or not one to be checked
	refusedPort    refusal = "port"
	refusedRate    refusal = "rate"
	refusedBusy    refusal = "busy"
)

var refusals = [...]refusal{refusedRequest, refusedAddress, refusedPort, refusedRate, refusedBusy}

// counts is all that the server remembers of the past.
type counts struct {
	getIP, reachable, unreachable, failed atomic.Uint64
	refused                               [len(refusals)]atomic.Uint64 // in the order of refusals
}

func (c *counts) refuse(reason refusal) {
	for i := range refusals {
		if refusals[i] == reason {
			c.refused[i].Add(1)
		}
	}
}

// metrics answers in Prometheus' text format.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	head := func(name, kind, help string) {
		fmt.Fprintf(w, "# HELP portsitter_checker_%s %s\n# TYPE portsitter_checker_%[1]s %[3]s\n", name, help, kind)
	}
	head("checks_total", "counter", "Checks made, by what came of them.")
	for _, line := range []struct {
		result string
		n      *atomic.Uint64
	}{{"reachable", &s.counts.reachable}, {"unreachable", &s.counts.unreachable}, {"failed", &s.counts.failed}} {
		fmt.Fprintf(w, "portsitter_checker_checks_total{result=%q} %d\n", line.result, line.n.Load())
	}
	head("refused_total", "counter", "Questions for a check that were refused, by the reason.")
	for i := range refusals {
		fmt.Fprintf(w, "portsitter_checker_refused_total{reason=%q} %d\n", refusals[i], s.counts.refused[i].Load())
	}
	head("get_ip_total", "counter", "Callers who asked for their address.")
	fmt.Fprintf(w, "portsitter_checker_get_ip_total %d\n", s.counts.getIP.Load())
	head("in_flight", "gauge", "Checks under way.")
	fmt.Fprintf(w, "portsitter_checker_in_flight %d\n", len(s.inFlight))
	head("addresses", "gauge", "Addresses whose rate is remembered.")
	fmt.Fprintf(w, "portsitter_checker_addresses %d\n", s.limits.addresses())
}
