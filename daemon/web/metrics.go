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
// in their labels. How often the address changed: changes(portsitter_public_ip_since_timestamp_seconds[7d]).
func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	st := s.sitter.Status()
	var e exposition
	e.program(st, s.o, s.sitter.Alive())
	e.home(st)
	e.ports(st, s.o.Now())
	e.family("portsitter_page_streams", "gauge", "Event streams that are open.")
	e.sample(float64(len(s.streams)))
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
}

func (e *exposition) ports(st *daemon.Status, now time.Time) {
	each := func(name, kind, help string, sample func(daemon.Port)) {
		e.family(name, kind, help)
		for _, p := range st.Ports {
			sample(p)
		}
	}
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
