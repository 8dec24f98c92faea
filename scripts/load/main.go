// Command load asks a Portsitter for its status 500 times a second, as many monitors at once would,
// and measures two things: how long the answers take, and whether the loop, which keeps the port
// open, is late because of it.
//
//	go run ./scripts/load                 builds Portsitter and starts its demo
//	go run ./scripts/load -page ADDR      asks a Portsitter that runs
//
// It exits with 1 when the promise is not kept: p99 under 5 ms, and the loop's p99 under load less
// than 10 ms above its p99 at rest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	promise  = 5 * time.Millisecond
	lateness = 10 * time.Millisecond
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	page := flag.String("page", "", "address of a running Portsitter; else a demo is started")
	rate := flag.Int("rate", 500, "requests a second")
	last := flag.Duration("for", 10*time.Second, "how long")
	flag.Parse()
	kept, err := measure(ctx, *page, *rate, *last)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
	if err != nil || !kept {
		stop()
		os.Exit(1)
	}
}

func measure(ctx context.Context, page string, rate int, last time.Duration) (kept bool, err error) {
	if page == "" {
		var end func()
		if page, end, err = startDemo(ctx); err != nil {
			return false, err
		}
		defer end()
	}
	c := &client{base: "http://" + page, http: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
	if err := c.awaitAlive(ctx); err != nil {
		return false, err
	}
	rest, err := c.loopDelays(ctx, 3*time.Second)
	if err != nil {
		return false, err
	}
	var under []time.Duration
	var loopErr error
	var wg sync.WaitGroup
	wg.Go(func() { under, loopErr = c.loopDelays(ctx, last) })
	answers, failed, late := c.load(ctx, rate, last)
	wg.Wait()
	if loopErr != nil {
		return false, loopErr
	}
	fmt.Printf("status, %d/s for %v: %d answers, %d failed, %d sent late; p50 %v, p99 %v, worst %v\n",
		rate, last, len(answers), failed, late, at(answers, 50), at(answers, 99), at(answers, 100))
	fmt.Printf("loop, from a poke to its turn: at rest p50 %v, p99 %v; under load p50 %v, p99 %v\n",
		at(rest, 50), at(rest, 99), at(under, 50), at(under, 99))
	return failed == 0 && len(answers) >= rate && at(answers, 99) < promise && at(under, 99) < at(rest, 99)+lateness, nil
}

// startDemo builds the program and runs its demo on a free port of loopback.
func startDemo(ctx context.Context) (page string, end func(), err error) {
	dir, err := os.MkdirTemp("", "portsitter-load-")
	if err != nil {
		return "", nil, err
	}
	program := filepath.Join(dir, "portsitter")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("building Portsitter: %w\n%s", err, out)
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	udp, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		return "", nil, err
	}
	page = tcp.Addr().String()
	settings := filepath.Join(dir, "portsitter.toml")
	text := fmt.Sprintf("[[port]]\nport = %d\n[log]\nlevel = \"error\"\n", udp.LocalAddr().(*net.UDPAddr).Port)
	tcp.Close()
	udp.Close()
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return "", nil, err
	}
	demo := exec.Command(program, "demo", "--config", settings, "--page", page)
	demo.Stderr = os.Stderr
	if err := demo.Start(); err != nil {
		return "", nil, err
	}
	return page, func() {
		demo.Process.Signal(os.Interrupt)
		demo.Wait()
		os.RemoveAll(dir)
	}, nil
}

type client struct {
	base string
	http *http.Client
}

// do sends a request and returns the body of a good answer.
func (c *client) do(ctx context.Context, method, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return body, err
}

func (c *client) awaitAlive(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		if _, err := c.do(ctx, http.MethodGet, "/healthz"); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New("nobody answers at " + c.base)
}

// load sends rate requests a second, each at its time whatever became of the ones before, and returns
// how long the answers took, counted from that time.
func (c *client) load(ctx context.Context, rate int, last time.Duration) (took []time.Duration, failed, late int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	apart := time.Second / time.Duration(rate)
	begin := time.Now()
	for due := begin; due.Before(begin.Add(last)) && ctx.Err() == nil; due = due.Add(apart) {
		time.Sleep(time.Until(due))
		if time.Since(due) > apart {
			late++ // this program's own fault, and yet it counts
		}
		wg.Go(func() {
			_, err := c.do(ctx, http.MethodGet, "/api/v1/status")
			d := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
			} else {
				took = append(took, d)
			}
		})
	}
	wg.Wait()
	return took, failed, late
}

// loopDelays pokes the loop ten times a second and reads from the metrics when it turned: the time
// between the two is what a router's restart would wait. The clock of the metrics has milliseconds.
func (c *client) loopDelays(ctx context.Context, last time.Duration) (delays []time.Duration, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(last); time.Now().Before(end); {
		poked := time.Now()
		if _, err := c.do(ctx, http.MethodPost, "/api/v1/refresh"); err != nil {
			return nil, err
		}
		for {
			turned, err := c.turned(ctx)
			if err != nil {
				return nil, err
			}
			if d := turned.Sub(poked.Truncate(time.Millisecond)); d >= 0 {
				delays = append(delays, d)
				break
			}
			if time.Since(poked) > 5*time.Second {
				return nil, errors.New("the loop has not turned for 5 s")
			}
			time.Sleep(time.Millisecond)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return delays, nil
}

// turned is when the loop last turned.
func (c *client) turned(ctx context.Context) (time.Time, error) {
	body, err := c.do(ctx, http.MethodGet, "/metrics")
	if err != nil {
		return time.Time{}, err
	}
	seconds, found := metric(body, "portsitter_loop_alive_timestamp_seconds")
	if !found {
		return time.Time{}, errors.New("the metrics do not tell when the loop turned")
	}
	return time.UnixMilli(int64(seconds*1000 + 0.5)), nil
}

// at is the p-th percentile, rounded.
func at(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)].Round(10 * time.Microsecond)
}
