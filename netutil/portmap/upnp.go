package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// upnpClient is the Client of a router's UPnP service.
//
// Requests are made with goupnp's SOAP client, not with the clients it generates for each service:
// those give up on an answer for one field they do not need, and do not know the services of the
// DSL Forum.
type upnpClient struct {
	device  Device
	service *service
}

func newUPnPClient(d Device, s *service) *upnpClient {
	d.Service = s.urn
	return &upnpClient{device: d, service: s}
}

// Name is UPnP.
func (c *upnpClient) Name() Protocol { return UPnP }

// Gateway is the router that is asked.
func (c *upnpClient) Gateway() netip.Addr { return c.service.guard.gateway }

// Device is what the router's description says. Permanent is set once Map has learned it.
func (c *upnpClient) Device() Device { return c.device }

// External asks for the outer address (GetExternalIPAddress, WANIPConnection:1 section 2.4.18). An
// answer that is no address, or 0.0.0.0, is an Outer without address and no error. Private and
// carrier addresses are given as told.
func (c *upnpClient) External(ctx context.Context) (Outer, error) {
	return c.service.external(ctx)
}

// Lookup reads one entry (GetSpecificPortMappingEntry, WANIPConnection:1 section 2.4.15). 714 and
// 713 are ErrNoEntry; any other refusal says nothing about the entry.
func (c *upnpClient) Lookup(ctx context.Context, t Transport, external uint16) (Entry, error) {
	in := keyOf(t, external)
	var out heldEntry
	err := c.service.call(ctx, "GetSpecificPortMappingEntry", &in, &out)
	if refusal, ok := errors.AsType[*Refusal](err); ok && (refusal.Code == 714 || refusal.Code == 713) {
		return Entry{}, fmt.Errorf("%w: %w", ErrNoEntry, err)
	}
	if err != nil {
		return Entry{}, err
	}
	return out.entry()
}

// entry reads the answer leniently: without address and port it is useless, the rest may be
// missing. Empty and misspelled values of NewEnabled and NewLeaseDuration are out there; an entry
// that the router lists counts as enabled unless it says otherwise.
func (h heldEntry) entry() (Entry, error) {
	a, err := netip.ParseAddr(strings.TrimSpace(h.NewInternalClient))
	if err != nil || a.IsUnspecified() {
		return Entry{}, fmt.Errorf("the router lists an entry that leads to %q, which is no address",
			cleanText(h.NewInternalClient, maxWords))
	}
	port, err := strconv.ParseUint(strings.TrimSpace(h.NewInternalPort), 10, 16)
	if err != nil || port == 0 {
		return Entry{}, fmt.Errorf("the router lists an entry that leads to port %q of %s, which is no port",
			cleanText(h.NewInternalPort, maxWords), a)
	}
	seconds, err := strconv.ParseUint(strings.TrimSpace(h.NewLeaseDuration), 10, 32)
	if err != nil {
		seconds = 0 // not told
	}
	enabled := strings.ToLower(strings.TrimSpace(h.NewEnabled))
	return Entry{
		Internal:    netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(port)),
		Enabled:     enabled != "0" && enabled != "false" && enabled != "no",
		Description: cleanText(h.NewPortMappingDescription, maxWords),
		Lease:       time.Duration(seconds) * time.Second,
	}, nil
}

// Unmap deletes an entry (DeletePortMapping, WANIPConnection:1 section 2.4.17). 714, there is none,
// is success.
func (c *upnpClient) Unmap(ctx context.Context, m Mapping) error {
	in := keyOf(m.Transport, m.External.Port())
	err := c.service.call(ctx, "DeletePortMapping", &in, nil)
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Code == 714 {
		return nil
	}
	return err
}
