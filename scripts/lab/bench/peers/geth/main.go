// Geth opens and keeps UDP 27886 with go-ethereum's p2p/nat, as its node does by default (nat.Any).
//
//	geth         maps once, says MAPPED, and unmaps
//	geth keep    keeps the mapping with nat.Map, until it is ended
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/p2p/nat"
)

func main() {
	n := nat.Any()
	if len(os.Args) > 1 && os.Args[1] == "keep" {
		nat.Map(n, make(chan struct{}), "udp", 27886, 27886, "bench")
	}
	port, err := n.AddMapping("udp", 27886, 27886, "bench", time.Hour)
	if err == nil {
		_, err = n.ExternalIP()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("MAPPED", port)
	_ = n.DeleteMapping("udp", 27886, 27886)
}
