//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// page is where Portsitter serves its page, in its own namespace.
const page = "127.0.0.1:27880"

// warmUp is how long a program has been running before its rest is measured.
const warmUp = 15 * time.Second

// idler is one program at rest, in a lab of its own.
type idler struct {
	title string
	pages int  // how many browsers look at the page
	floor bool // the smallest HTTP server instead of Portsitter
}

// idleCost is what a time of rest has cost.
type idleCost struct {
	usage
	router, internet string
	requests         float64 // an hour, to the router
	outward          float64 // an hour, to the internet
	writes           int     // changes of files in the state folder
}

// atRest measures what the programs need while they have nothing to do, all at the same time.
func (b *bench) atRest() error {
	fmt.Printf("\n## At rest\n")
	idlers := []idler{{"**Portsitter**, page closed", 0, false}, {"**Portsitter**, one page open", 1, false}, {"the smallest Go HTTP server", 0, true}}
	costs, errs := make([]idleCost, len(idlers)), make([]error, len(idlers))
	var all sync.WaitGroup
	for i, w := range idlers {
		all.Go(func() { costs[i], errs[i] = b.idle(w, "i"+strconv.Itoa(i)) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	hour := float64(time.Hour) / float64(b.rest)
	heading(fmt.Sprintf("%v after the mapping", b.rest), "Router: everything. Memory in MB (10^6 bytes); processor time, wake-ups (voluntary context switches), "+
		"requests (UDP datagrams and TCP connections) and changes of files are per hour. Checks from outside are off.", "program", "resident", "of it private", "processor, s", "wake-ups",
		"requests to the router", "to the internet", "file changes", "bytes to disk")
	for i, w := range idlers {
		c := costs[i]
		row(w.title, mb(c.rss), mb(c.anon), fmt.Sprintf("%.2f", c.cpu.Seconds()*hour), fmt.Sprintf("%.0f", float64(c.voluntary)*hour),
			fmt.Sprintf("%.0f", c.requests), fmt.Sprintf("%.0f", c.outward), fmt.Sprintf("%.0f", float64(c.writes)*hour), fmt.Sprintf("%.0f", float64(c.storage)*hour))
	}
	for i, w := range idlers {
		if !w.floor {
			note("%s, in %v: to the router %s; to the internet %s; peak %s MB, %d threads.", w.title, b.rest, costs[i].router, costs[i].internet, mb(costs[i].peak), costs[i].threads)
		}
	}
	if info, err := os.Stat(filepath.Join(b.bin, "portsitter")); err == nil {
		note("The program file has %.1f MB.", float64(info.Size())/1e6)
	}
	return nil
}

func (b *bench) idle(w idler, name string) (idleCost, error) {
	h, err := b.newHome(name)
	defer h.down()
	if err != nil {
		return idleCost{}, err
	}
	state := filepath.Join(b.dir, "idle-"+name)
	var cmd *exec.Cmd
	if w.floor {
		cmd, err = h.startIn("lan", []string{filepath.Join(b.bin, "floor"), page})
	} else {
		cmd, _, err = b.sit(h, b.config, state, 1)
	}
	if err != nil {
		return idleCost{}, err
	}
	defer func() { _ = stop(cmd) }()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	for range w.pages {
		go h.look(ctx)
	}
	time.Sleep(warmUp)
	return h.watch(cmd.Process.Pid, state, b.rest)
}

// watch measures one process for a time.
func (h *home) watch(pid int, state string, period time.Duration) (idleCost, error) {
	if err := h.nft("router", counters); err != nil {
		return idleCost{}, err
	}
	before, err := usageOf(pid)
	if err != nil {
		return idleCost{}, err
	}
	c := idleCost{writes: changesIn(state, period)}
	if c.usage, err = usageOf(pid); err != nil {
		return c, err
	}
	c.cpu -= before.cpu
	c.voluntary -= before.voluntary
	c.storage -= before.storage
	counted, err := h.counted()
	if err != nil {
		return c, err
	}
	hour := float64(time.Hour) / float64(period)
	c.requests = float64(counted["pxp"]+counted["ssdp"]+counted["http"]) * hour
	c.outward = float64(counted["wan_udp"]+counted["wan_tcp"]) * hour
	c.router = fmt.Sprintf("%d PCP or NAT-PMP, %d SSDP, %d HTTP (%d packets)", counted["pxp"], counted["ssdp"], counted["http"], counted["lan"])
	c.internet = fmt.Sprintf("%d UDP, %d TCP (%d packets)", counted["wan_udp"], counted["wan_tcp"], counted["wan"])
	return c, nil
}

const counters = `
table inet bench {
	counter pxp { } 
	counter ssdp { } 
	counter http { } 
	counter lan { } 
	counter wan_udp { } 
	counter wan_tcp { } 
	counter wan { }
	chain in { type filter hook input priority -10;
		iifname "br-lan" ip saddr 192.168.77.2 counter name lan
		iifname "br-lan" ip saddr 192.168.77.2 udp dport 5351 counter name pxp
		iifname "br-lan" ip saddr 192.168.77.2 udp dport 1900 counter name ssdp
		iifname "br-lan" ip saddr 192.168.77.2 tcp dport 5000 tcp flags & (syn | ack) == syn counter name http
	}
	chain through { type filter hook forward priority -10;
		iifname "br-lan" ip saddr 192.168.77.2 counter name wan
		iifname "br-lan" ip saddr 192.168.77.2 meta l4proto udp counter name wan_udp
		iifname "br-lan" ip saddr 192.168.77.2 tcp flags & (syn | ack) == syn counter name wan_tcp
	}
}`

// counted reads the packets of each counter.
func (h *home) counted() (map[string]int64, error) {
	text, err := h.output("router", "nft", "list", "counters", "table", "inet", "bench")
	all := map[string]int64{}
	name := ""
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == "counter":
			name = f[1]
		case len(f) >= 2 && f[0] == "packets":
			all[name], _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return all, err
}

// changesIn counts for a time how often files in a folder become others.
func changesIn(dir string, period time.Duration) int {
	look := func() map[string]string {
		seen := map[string]string{}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				seen[e.Name()] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
			}
		}
		return seen
	}
	changes := 0
	for last, end := look(), time.Now().Add(period); time.Now().Before(end); {
		time.Sleep(min(time.Second, time.Until(end)))
		now := look()
		for name, what := range now {
			if last[name] != what {
				changes++
			}
		}
		last = now
	}
	return changes
}

// client is a browser on the PC.
func (h *home) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
		err = h.in("lan", func() (err error) {
			c, err = net.Dial(network, address)
			return err
		})
		return c, err
	}}}
}

// look keeps a page open as a browser does: the page, then the stream of events.
func (h *home) look(ctx context.Context) {
	client := h.client()
	for _, path := range []string{"/", "/api/v1/events"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+page+path, nil)
		if err != nil {
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Fprintln(os.Stderr, "a page could not be opened:", err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
