package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func TestMetricsAreValid(t *testing.T) {
	for _, name := range []string{"reachable", "ready-hidden", "double-nat", "starting", "demo-two-ports"} {
		s := New(newSitter(readScene(t, name)), Options{Version: "1.4.0"})
		problems, err := promlint.New(ask(s, "GET", "/metrics", nil).Body).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	s, sitter := newServer(t, Options{})
	sitter.Status().Ports[0].Name = "a\"b\\c\n\x1b{}=,é"
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	const port = `port="a\"b\\c {}=,é"`
	want := `
# HELP portsitter_mapping_lease_left_seconds What is left of the lease; absent for a permanent entry.
# TYPE portsitter_mapping_lease_left_seconds gauge
portsitter_mapping_lease_left_seconds{` + port + `} 3130
# HELP portsitter_passes_total Publications of the status.
# TYPE portsitter_passes_total counter
portsitter_passes_total 42
# HELP portsitter_public_ip_info The public address and its kind.
# TYPE portsitter_public_ip_info gauge
portsitter_public_ip_info{address="203.0.113.7",kind="public"} 1
# HELP portsitter_step The state of a rung of a port's ladder.
# TYPE portsitter_step gauge
portsitter_step{` + port + `,step="firewall",state="ok"} 1
portsitter_step{` + port + `,step="game",state="ok"} 1
portsitter_step{` + port + `,step="internet",state="ok"} 1
portsitter_step{` + port + `,step="mapping",state="ok"} 1
portsitter_step{` + port + `,step="network",state="ok"} 1
portsitter_step{` + port + `,step="outside",state="ok"} 1
portsitter_step{` + port + `,step="router",state="ok"} 1
# HELP portsitter_uptime_seconds How long the program has been running.
# TYPE portsitter_uptime_seconds gauge
portsitter_uptime_seconds 272850
# HELP portsitter_verdict The verdict on a port and its diagnosis code.
# TYPE portsitter_verdict gauge
portsitter_verdict{` + port + `,verdict="reachable",code="reachable"} 1
`
	var names []string
	for line := range strings.Lines(want) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "TYPE" {
			names = append(names, f[2])
		}
	}
	if err := testutil.ScrapeAndCompare(srv.URL+"/metrics", strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}
