package simhome

import (
	"fmt"
	"strings"
)

const serverName = "Linux/5.10 UPnP/1.1 Simhome/1.0"

// The UPnP paths change when a reboot moves UPnP.

func descriptionPath(moves int) string { return movedPath(moves, "rootDesc.xml") }
func controlPath(moves int) string     { return movedPath(moves, "ctl/IPConn") }
func deadControlPath(moves int) string { return movedPath(moves, "ctl/PPPConn") }

func movedPath(moves int, path string) string {
	if moves == 0 {
		return "/" + path
	}
	return fmt.Sprintf("/%d/%s", moves, path)
}

// upnpMoves tells how often UPnP came back under another URL.
func (h *Home) upnpMoves() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moves
}

// location is the URL of the description as the LAN knows it.
func (h *Home) location() string {
	return fmt.Sprintf("http://%s:%d%s", h.gateway, 5000+h.moves, descriptionPath(h.moves))
}

// describe is the UPnP description (UPnP Device Architecture 1.1 section 2.3), without the XML
// declaration: a gateway, in it a WAN device, in it a WAN connection with its services.
func (h *Home) describe() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	kind := h.faults.IGD
	control := controlPath(h.moves)
	if h.faults.ControlAt != "" {
		control = h.faults.ControlAt
	}
	services := ""
	if kind == IGDTwo {
		services = describeService(pppService, "WANPPPConn1", deadControlPath(h.moves))
	}
	services += describeService(kind.service(), "WANConn1", control)
	connection := h.describeDevice(kind.device("WANConnectionDevice"), "-3", services, "")
	wan := h.describeDevice(kind.device("WANDevice"), "-2", "", connection)
	root := h.describeDevice(kind.device("InternetGatewayDevice"), "", "", wan)
	namespace := "urn:schemas-upnp-org:device-1-0"
	if kind == IGDDSLForum {
		namespace = "urn:dslforum-org:device-1-0"
	}
	return fmt.Sprintf("<root xmlns=%q>\r\n<specVersion><major>1</major><minor>%d</minor></specVersion>\r\n%s</root>\r\n",
		namespace, kind.version()-1, root)
}

func (h *Home) describeDevice(kind, suffix, services, devices string) string {
	var b strings.Builder
	model := strings.TrimPrefix(h.name(), h.maker+" ")
	fmt.Fprintf(&b, "<device>\r\n<deviceType>%s</deviceType>\r\n<friendlyName>%s</friendlyName>\r\n<manufacturer>%s</manufacturer>\r\n"+
		"<modelName>%s</modelName>\r\n<UDN>%s%s</UDN>\r\n", kind, escapeXML.Replace(h.name()), escapeXML.Replace(h.maker),
		escapeXML.Replace(model), escapeXML.Replace(h.udn), suffix)
	if services != "" {
		fmt.Fprintf(&b, "<serviceList>\r\n%s</serviceList>\r\n", services)
	}
	if devices != "" {
		fmt.Fprintf(&b, "<deviceList>\r\n%s</deviceList>\r\n", devices)
	}
	b.WriteString("</device>\r\n")
	return b.String()
}

func describeService(urn, id, control string) string {
	return fmt.Sprintf("<service>\r\n<serviceType>%s</serviceType>\r\n<serviceId>urn:upnp-org:serviceId:%s</serviceId>\r\n"+
		"<SCPDURL>/none.xml</SCPDURL>\r\n<controlURL>%s</controlURL>\r\n<eventSubURL>/evt/%[2]s</eventSubURL>\r\n</service>\r\n",
		urn, id, escapeXML.Replace(control))
}
