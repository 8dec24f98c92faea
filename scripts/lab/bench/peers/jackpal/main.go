// Jackpal opens UDP 27886 with jackpal/go-nat-pmp and jackpal/gateway. It says MAPPED, and unmaps.
package main

import (
	"fmt"
	"os"

	"github.com/jackpal/gateway"
	natpmp "github.com/jackpal/go-nat-pmp"
)

func main() {
	router, err := gateway.DiscoverGateway()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c := natpmp.NewClient(router)
	if _, err = c.GetExternalAddress(); err == nil {
		_, err = c.AddPortMapping("udp", 27886, 27886, 3600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("MAPPED")
	_, _ = c.AddPortMapping("udp", 27886, 0, 0)
}
