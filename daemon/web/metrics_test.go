package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
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
	since := noon.Add(-time.Minute)
	sitter.Status().Ports[0].Totals = daemon.Totals{Grants: 2, Renewals: 35, Shut: 100, ShutSince: &since,
		Checks: daemon.CheckTotals{Reachable: 3, Unreachable: 1, Failed: 2}}
	sitter.Status().PublicIPChanges = 4
	s.gate.failed.Store(7)
	sitter.Status().Ports[0].Name = "a\"b\\c\n\x1b{}=,é"
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	const port = `port="a\"b\\c {}=,é"`
	want := `
# HELP portsitter_mapping_lease_left_seconds What is left of the lease; absent for a permanent entry.
# TYPE portsitter_mapping_lease_left_seconds gauge
portsitter_mapping_lease_left_seconds{` + port + `} 3130
# HELP portsitter_mapping_grants_total Mappings that the router granted anew.
# TYPE portsitter_mapping_grants_total counter
portsitter_mapping_grants_total{` + port + `} 2
# HELP portsitter_mapping_renewals_total Renewals of the mapping that the router granted.
# TYPE portsitter_mapping_renewals_total counter
portsitter_mapping_renewals_total{` + port + `} 35
# HELP portsitter_outside_checks_total Checks from outside that have ended, by result.
# TYPE portsitter_outside_checks_total counter
portsitter_outside_checks_total{` + port + `,result="checker-failed"} 2
portsitter_outside_checks_total{` + port + `,result="reachable"} 3
portsitter_outside_checks_total{` + port + `,result="unreachable"} 1
# HELP portsitter_page_wrong_passwords_total Wrong passwords that were sent to the page.
# TYPE portsitter_page_wrong_passwords_total counter
portsitter_page_wrong_passwords_total 7
# HELP portsitter_passes_total Publications of the status.
# TYPE portsitter_passes_total counter
portsitter_passes_total 42
# HELP portsitter_public_ip_changes_total How often the public address became another one.
# TYPE portsitter_public_ip_changes_total counter
portsitter_public_ip_changes_total 4
# HELP portsitter_public_ip_info The public address and its kind.
# TYPE portsitter_public_ip_info gauge
portsitter_public_ip_info{address="203.0.113.7",kind="public"} 1
# HELP portsitter_shut_seconds_total Time in which the verdict was neither ready nor reachable.
# TYPE portsitter_shut_seconds_total counter
portsitter_shut_seconds_total{` + port + `} 160
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
