// Tailscale opens and keeps UDP 27886 with Tailscale's net/portmapper, as magicsock and netcheck do:
// ask for the mapping, probe beside it, and ask again; all of it every 23 s (they do it every 20 to
// 26 s). It chooses the external port itself.
//
//	tailscale         maps once, says MAPPED, and unmaps
//	tailscale keep    keeps the mapping, until it is ended
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"tailscale.com/net/netmon"
	"tailscale.com/net/portmapper"
	"tailscale.com/types/logger"
	"tailscale.com/util/eventbus"
)

func main() {
	bus := eventbus.New()
	monitor, err := netmon.New(bus, logger.Discard)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	changed := make(chan struct{}, 1)
	c := portmapper.NewClient(portmapper.Config{EventBus: bus, NetMon: monitor, OnChange: func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}})
	c.SetLocalPort(27886)
	keep := len(os.Args) > 1 && os.Args[1] == "keep"
	for {
		external, ok := c.GetCachedMappingOrStartCreatingOne()
		probed := make(chan struct{})
		go func() {
			_, _ = c.Probe(context.Background())
			close(probed)
		}()
		for end := time.After(10 * time.Second); !ok; external, ok = c.GetCachedMappingOrStartCreatingOne() {
			select {
			case <-changed:
				continue
			case <-probed:
				probed = nil
				continue
			case <-end:
			}
			break
		}
		switch {
		case ok:
			fmt.Println("MAPPED", external)
		case !keep:
			fmt.Fprintln(os.Stderr, "no mapping in 10 s")
			os.Exit(1)
		}
		if !keep {
			_ = c.Close()
			return
		}
		time.Sleep(23 * time.Second) // long after the probe has ended
	}
}
