package simhome

import "fmt"

// version is the version of the device.
func (k IGD) version() int {
	if k == IGDv2 || k == IGDMixed {
		return 2
	}
	return 1
}

// service is the URN of the service that does the mapping.
func (k IGD) service() string {
	switch k {
	case IGDv2:
		return "urn:schemas-upnp-org:service:WANIPConnection:2"
	case IGDPPP:
		return pppService
	case IGDDSLForum:
		return "urn:dslforum-org:service:WANPPPConnection:1"
	}
	return "urn:schemas-upnp-org:service:WANIPConnection:1"
}

const pppService = "urn:schemas-upnp-org:service:WANPPPConnection:1"

// device is the URN of one of the three nested devices: InternetGatewayDevice, WANDevice or
// WANConnectionDevice.
func (k IGD) device(name string) string {
	who := "schemas-upnp-org"
	if k == IGDDSLForum {
		who = "dslforum-org"
	}
	return fmt.Sprintf("urn:%s:device:%s:%d", who, name, k.version())
}

// targets are the M-SEARCH targets that the gateway answers, root device first. A version 2 device
// answers for version 1, too (UPnP Device Architecture 1.1 section 1.3.3).
func (k IGD) targets() []string {
	root := k.device("InternetGatewayDevice")
	list := []string{"upnp:rootdevice", root, k.service()}
	if k.version() == 2 {
		list = append(list, root[:len(root)-1]+"1", "urn:schemas-upnp-org:service:WANIPConnection:1")
	}
	return list
}
