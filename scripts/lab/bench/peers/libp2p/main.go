// Libp2p opens and keeps UDP 27886 with go-libp2p's p2p/net/nat, as its host does with NATPortMap. It
// chooses the external port itself.
//
//	libp2p         maps once, says MAPPED, and unmaps
//	libp2p keep    keeps the mapping, until it is ended
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/nat"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // the host's own value
	defer cancel()
	n, err := nat.DiscoverNAT(ctx)
	if err == nil {
		err = n.AddMapping(context.Background(), "udp", 27886)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	external, ok := n.GetMapping("udp", 27886)
	if !ok {
		fmt.Fprintln(os.Stderr, "no mapping")
		os.Exit(1)
	}
	fmt.Println("MAPPED", external)
	if len(os.Args) > 1 && os.Args[1] == "keep" {
		select {}
	}
	_ = n.Close()
}
