package portmap

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
)

const (
	// maxURL bounds an address that the router gave.
	maxURL = 1024
	// maxServices bounds how many services of one description are looked at.
	maxServices = 8
	// maxName bounds, in letters, what a device says of itself.
	maxName = 80
)

// The services that map ports, best first. A router may describe a version of the service that
// does not go with the version of its device (portmapper#29), so the device types are not looked at.
var igdServices = [...]string{
	internetgateway2.URN_WANIPConnection_2,
	internetgateway2.URN_WANIPConnection_1,
	internetgateway2.URN_WANPPPConnection_1,
	"urn:dslforum-org:service:WANIPConnection:1",
	"urn:dslforum-org:service:WANPPPConnection:1",
}

// errNoService means that a description is not that of a router that maps ports.
var errNoService = errors.New("describes no service that maps ports")

// service is one control point of a router. It is never changed once made.
type service struct {
	guard    *guard
	urn      string
	legacy   bool       // of the DSL Forum, before UPnP: on some routers it wants a password
	controls []*url.URL // where to ask; the second one only if there is nothing at the first
}

// igd is what a description says about an Internet Gateway Device.
type igd struct {
	device   Device
	services []*service // best first, at least one
}

// gatewayURL makes an address that the router gave fit to be asked: http, an IP literal, the
// gateway's port. A literal of another host is led back to the gateway and reported as moved:
// routers with a floating address (VRRP) name one that is not theirs (tailscale#5502), and at the
// gateway a stranger's address does no harm. A host name is refused, since nothing here looks up
// names; so is https, since no certificate of a router can be checked.
func gatewayURL(raw string, gateway netip.Addr) (u *url.URL, moved bool, err error) {
	if len(raw) > maxURL {
		return nil, false, fmt.Errorf("an address of %d letters is refused", len(raw))
	}
	u, err = url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return nil, false, fmt.Errorf("%q is not an address", cleanText(raw, maxWords))
	}
	refuse := func(why string) (*url.URL, bool, error) {
		return nil, false, fmt.Errorf("%q is refused: %s", cleanText(raw, maxWords), why)
	}
	host, hostErr := netip.ParseAddr(u.Hostname())
	port, portErr := urlPort(u)
	switch {
	case u.Scheme != "http":
		return refuse("it is not http")
	case u.User != nil:
		return refuse("it carries a user name")
	case hostErr != nil:
		return refuse("its host is not an IP address")
	case portErr != nil:
		return refuse(portErr.Error())
	}
	u.Host = netip.AddrPortFrom(gateway, port).String()
	u.Fragment, u.RawFragment = "", ""
	return u, host.Unmap().WithZone("") != gateway, nil
}

// parseDescription reads the description found at location (UPnP Device Architecture 1.1 section
// 2.3). Services whose control address is refused are left out.
func parseDescription(text []byte, location *url.URL, g *guard) (*igd, error) {
	root := new(goupnp.RootDevice)
	// Nothing in those two elements is of use, and one number spelled badly there would lose all.
	tokens := newBoundedXML(text, "specVersion", "iconList")
	decoder := xml.NewTokenDecoder(tokens)
	decoder.Strict = false
	if err := decoder.Decode(root); err != nil {
		return nil, fmt.Errorf("%s is not a device description: %w", location, err)
	}
	d := &igd{device: Device{
		Name:     deviceName(&root.Device),
		UDN:      cleanText(root.Device.UDN, maxName),
		Location: location.String(),
	}}
	base := urlBase(root, location, g.gateway)
	refused := d.collect(&root.Device, base, location, g)
	if len(d.services) == 0 {
		if refused != nil {
			return nil, fmt.Errorf("%s: %w", location, refused)
		}
		return nil, fmt.Errorf("%s %w", location, errNoService)
	}
	return d, nil
}

// urlBase is what the addresses in a description are relative to: URLBase where it is given and
// usable (UPnP 1.0), else where the description was found.
func urlBase(root *goupnp.RootDevice, location *url.URL, gateway netip.Addr) *url.URL {
	if base, _, err := gatewayURL(root.URLBaseStr, gateway); err == nil {
		return base
	}
	return location
}

// collect fills in the services in the order of igdServices, and gives the last reason why one was
// refused.
func (d *igd) collect(device *goupnp.Device, base, location *url.URL, g *guard) (refused error) {
	for rank, urn := range igdServices {
		device.VisitServices(func(s *goupnp.Service) {
			given := strings.TrimSpace(s.ServiceType)
			if !strings.EqualFold(given, urn) || len(d.services) == maxServices {
				return
			}
			controls, err := controlURLs(s, base, location, g.gateway)
			if err != nil {
				refused = err
				return
			}
			d.services = append(d.services, &service{
				guard: g, urn: given, legacy: rank >= 3, controls: controls,
			})
		})
	}
	return refused
}

// controlURLs resolves a service's control address. A relative one without a leading slash is
// taken from the root, as goupnp and miniupnpc do and routers are tested with; where RFC 3986 says
// otherwise, that comes second.
func controlURLs(s *goupnp.Service, base, location *url.URL, gateway netip.Addr) ([]*url.URL, error) {
	s.ControlURL.Str = strings.TrimSpace(s.ControlURL.Str)
	if s.ControlURL.Str == "" {
		return nil, errors.New("describes a service without a control address")
	}
	s.SetURLBase(base)
	if !s.ControlURL.Ok {
		return nil, fmt.Errorf("%q is not an address", cleanText(s.ControlURL.Str, maxWords))
	}
	first, _, err := gatewayURL(s.ControlURL.URL.String(), gateway)
	if err != nil {
		return nil, err
	}
	controls := []*url.URL{first}
	if relative, err := url.Parse(s.ControlURL.Str); err == nil {
		second, _, err := gatewayURL(base.ResolveReference(relative).String(), gateway)
		if err == nil && second.String() != first.String() {
			controls = append(controls, second)
		}
	}
	return controls, nil
}

// deviceName is "manufacturer model", or what else the device is called.
func deviceName(d *goupnp.Device) string {
	maker, model := cleanText(d.Manufacturer, maxName), cleanText(d.ModelName, maxName)
	switch {
	case maker == "" && model == "":
		return cleanText(d.FriendlyName, maxName)
	case strings.HasPrefix(strings.ToLower(model), strings.ToLower(maker)):
		return model
	}
	return cleanText(maker+" "+model, maxName)
}
