// Goupnp opens UDP 27886 with huin/goupnp: discovery as in its guide, then AddPortMapping. It says
// MAPPED, and unmaps.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/huin/goupnp/dcps/internetgateway2"
	"golang.org/x/sync/errgroup"
)

// router is what all kinds of connection have in common.
type router interface {
	AddPortMapping(remote string, external uint16, protocol string, internal uint16, client string, enabled bool, description string, lease uint32) error
	DeletePortMapping(remote string, external uint16, protocol string) error
	GetExternalIPAddress() (string, error)
	LocalAddr() net.IP
}

// discover looks for the three kinds of connection at the same time.
func discover() (router, error) {
	var tasks errgroup.Group
	var one []*internetgateway2.WANIPConnection1
	var two []*internetgateway2.WANIPConnection2
	var ppp []*internetgateway2.WANPPPConnection1
	tasks.Go(func() (err error) { one, _, err = internetgateway2.NewWANIPConnection1Clients(); return err })
	tasks.Go(func() (err error) { two, _, err = internetgateway2.NewWANIPConnection2Clients(); return err })
	tasks.Go(func() (err error) { ppp, _, err = internetgateway2.NewWANPPPConnection1Clients(); return err })
	err := tasks.Wait()
	switch {
	case err != nil:
		return nil, err
	case len(two) > 0:
		return two[0], nil
	case len(one) > 0:
		return one[0], nil
	case len(ppp) > 0:
		return ppp[0], nil
	}
	return nil, errors.New("no connection found")
}

func main() {
	r, err := discover()
	if err == nil {
		_, err = r.GetExternalIPAddress()
	}
	if err == nil {
		err = r.AddPortMapping("", 27886, "UDP", 27886, r.LocalAddr().String(), true, "bench", 3600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("MAPPED")
	_ = r.DeletePortMapping("", 27886, "UDP")
}
