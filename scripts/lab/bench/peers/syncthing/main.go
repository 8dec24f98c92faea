// Syncthing opens and keeps UDP 27886 with Syncthing's lib/nat, with its discoverers lib/upnp and
// lib/pmp and its default settings. It chooses the external port itself, and maps TCP, whatever it
// is asked for.
//
//	syncthing         maps once, and says MAPPED; what it mapped stays until its lease ends
//	syncthing keep    keeps the mapping, until it is ended
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/syncthing/syncthing/lib/config"
	"github.com/syncthing/syncthing/lib/events"
	"github.com/syncthing/syncthing/lib/nat"
	_ "github.com/syncthing/syncthing/lib/pmp"
	"github.com/syncthing/syncthing/lib/protocol"
	_ "github.com/syncthing/syncthing/lib/upnp"
)

func main() {
	var id protocol.DeviceID
	settings := config.Wrap(os.DevNull, config.New(id), id, events.NoopLogger)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = settings.Serve(ctx) }()
	service := nat.NewService(id, settings)
	mapping := service.NewMapping(nat.UDP, nat.IPv4Only, net.IPv4zero, 27886)
	mapped := make(chan struct{}, 1)
	mapping.OnChanged(func() {
		if len(mapping.ExternalAddresses()) > 0 {
			select {
			case mapped <- struct{}{}:
			default:
			}
		}
	})
	go func() { _ = service.Serve(ctx) }()
	<-mapped
	fmt.Println("MAPPED", mapping.ExternalAddresses())
	if len(os.Args) > 1 && os.Args[1] == "keep" {
		select {}
	}
}
