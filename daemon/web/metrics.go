package web

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// serveMetrics writes the status in Prometheus's text format 0.0.4. It is made by hand from the
// status at every scrape: nothing is counted beside it, so it cannot disagree with the page.
//
// A metric that ends in _info, portsitter_verdict and portsitter_step have the value 1 and say all
// in their labels. docs/api.md lists them all.
func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	st := s.sitter.Status()
	var e exposition
	e.program(st, s.o, s.sitter.Alive())
	e.home(st)
	e.ports(st, s.o.Now())
	e.totals(st, s.o.Now())
	e.family("portsitter_page_streams", "gauge", "Event streams that are open.")
	e.sample(float64(len(s.streams)))
	e.family("portsitter_page_wrong_passwords_total", "counter", "Wrong passwords that were sent to the page.")
	e.sample(float64(s.gate.failed.Load()))
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write([]byte(e.b.String()))
}

func (e *exposition) program(st *daemon.Status, o Options, alive time.Time) {
	e.family("portsitter_build_info", "gauge", "Version of the program.")
	e.sample(1, "version", o.Version, "goversion", runtime.Version())
	e.family("portsitter_start_timestamp_seconds", "gauge", "When the program started.")
	e.time(st.Started)
	e.family("portsitter_uptime_seconds", "gauge", "How long the program has been running.")
	e.sample(o.Now().Sub(st.Started).Seconds())
	e.family("portsitter_loop_alive_timestamp_seconds", "gauge", "When the loop last turned.")
	e.time(alive)
	e.family("portsitter_dropped_datagrams_total", "counter", "Datagrams that were heard and not used: not from the router, or not what they should be.")
	e.sample(float64(st.Dropped.Announcements), "kind", "announcement")
	e.sample(float64(st.Dropped.Answers), "kind", "search-answer")
	e.family("go_goroutines", "gauge", "Number of goroutines that currently exist.")
	e.sample(float64(runtime.NumGoroutine()))
	e.family("portsitter_passes_total", "counter", "Publications of the status.")
	e.sample(float64(st.Pass))
}

func (e *exposition) home(st *daemon.Status) {
	e.family("portsitter_route_info", "gauge", "The way out that was chosen.")
	if r := st.Route; r != nil {
		e.sample(1, "gateway", r.Gateway.String(), "local", r.Local.String(), "interface", r.Interface)
	}
	e.family("portsitter_router_info", "gauge", "The router, and the protocols it answers.")
	if r := st.Router; r != nil {
		e.sample(1, "name", r.Name, "protocols", strings.Join(r.Protocols, ","))
	}
	e.family("portsitter_router_boot_timestamp_seconds", "gauge", "When the router started, as its epoch tells.")
	if r := st.Router; r != nil && r.BootedAt != nil {
		e.time(*r.BootedAt)
	}
	e.family("portsitter_public_ip_info", "gauge", "The public address and its kind.")
	if p := st.PublicIP; p != nil {
		e.sample(1, "address", p.Address.String(), "kind", p.Kind)
	}
	e.family("portsitter_public_ip_since_timestamp_seconds", "gauge", "Since when the public address has been this one.")
	if p := st.PublicIP; p != nil {
		e.time(p.Since)
	}
	e.family("portsitter_public_ip_changes_total", "counter", "How often the public address became another one.")
	e.sample(float64(st.PublicIPChanges))
}

// each writes a family with the samples of every port.
func (e *exposition) each(st *daemon.Status, name, kind, help string, sample func(daemon.Port)) {
	e.family(name, kind, help)
	for _, p := range st.Ports {
		sample(p)
	}
}

func (e *exposition) ports(st *daemon.Status, now time.Time) {
	each := func(name, kind, help string, sample func(daemon.Port)) { e.each(st, name, kind, help, sample) }
	each("portsitter_verdict", "gauge", "The verdict on a port and its diagnosis code.", func(p daemon.Port) {
		e.sample(1, "port", p.Name, "verdict", string(p.Verdict), "code", string(p.Code))
	})
	each("portsitter_step", "gauge", "The state of a rung of a port's ladder.", func(p daemon.Port) {
		for _, step := range p.Steps {
			e.sample(1, "port", p.Name, "step", step.ID, "state", string(step.State))
		}
	})
	each("portsitter_mapping_info", "gauge", "The router's entry for a port.", func(p daemon.Port) {
		if m := p.Mapping; m != nil {
			e.sample(1, "port", p.Name, "protocol", m.Protocol, "owner", m.Owner, "external", m.External, "internal", m.Internal)
		}
	})
	each("portsitter_mapping_lease_left_seconds", "gauge", "What is left of the lease; absent for a permanent entry.", func(p daemon.Port) {
		if m := p.Mapping; m != nil && m.Expires != nil {
			e.sample(max(0, m.Expires.Sub(now).Seconds()), "port", p.Name)
		}
	})
	each("portsitter_mapping_verified_timestamp_seconds", "gauge", "When the router last showed the entry.", func(p daemon.Port) {
		if m := p.Mapping; m != nil && m.Verified != nil {
			e.time(*m.Verified, "port", p.Name)
		}
	})
	each("portsitter_outside_check_timestamp_seconds", "gauge", "When the last check from outside ended.", func(p daemon.Port) {
		if o := p.Outside; o != nil && o.At != nil {
			e.time(*o.At, "port", p.Name)
		}
	})
}

func (e *exposition) totals(st *daemon.Status, now time.Time) {
	counter := func(name, help string, sample func(daemon.Port)) { e.each(st, name, "counter", help, sample) }
	counter("portsitter_mapping_grants_total", "Mappings that the router granted anew.", func(p daemon.Port) {
		e.sample(float64(p.Totals.Grants), "port", p.Name)
	})
	counter("portsitter_mapping_renewals_total", "Renewals of the mapping that the router granted.", func(p daemon.Port) {
		e.sample(float64(p.Totals.Renewals), "port", p.Name)
	})
	counter("portsitter_outside_checks_total", "Checks from outside that have ended, by result.", func(p daemon.Port) {
		e.sample(float64(p.Totals.Checks.Reachable), "port", p.Name, "result", "reachable")
		e.sample(float64(p.Totals.Checks.Unreachable), "port", p.Name, "result", "unreachable")
		e.sample(float64(p.Totals.Checks.Failed), "port", p.Name, "result", "checker-failed")
	})
	counter("portsitter_shut_seconds_total", "Time in which the verdict was neither ready nor reachable.", func(p daemon.Port) {
		shut := float64(p.Totals.Shut)
		if since := p.Totals.ShutSince; since != nil {
			shut += max(0, now.Sub(*since).Seconds())
		}
		e.sample(shut, "port", p.Name)
	})
}

// exposition is a text in Prometheus's format 0.0.4. Each family is announced even when it has no
// sample now, so that one look shows everything there is.
type exposition struct {
	b    strings.Builder
	name string
}

func (e *exposition) family(name, kind, help string) {
	e.name = name
	fmt.Fprintf(&e.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// sample writes one line of the family; labels are names and values in turn.
func (e *exposition) sample(value float64, labels ...string) {
	e.b.WriteString(e.name)
	for i := 0; i+1 < len(labels); i += 2 {
		open := ","
		if i == 0 {
			open = "{"
		}
		fmt.Fprintf(&e.b, `%s%s="%s"`, open, labels[i], escapeLabel.Replace(text(labels[i+1])))
	}
	if len(labels) > 0 {
		e.b.WriteString("}")
	}
	e.b.WriteString(" " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

// time writes a point in time, unless it is not known.
func (e *exposition) time(t time.Time, labels ...string) {
	if !t.IsZero() {
		e.sample(float64(t.UnixMilli())/1000, labels...)
	}
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
