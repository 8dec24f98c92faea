// Portsitter keeps a UDP port of this home open on the router, and says at a glance whether
// somebody outside can come in.
package main

import (
	"os"

	"github.com/portsitter/portsitter/service"
)

func main() { os.Exit(service.Main(os.Args[1:], os.Stdout, os.Stderr)) }
