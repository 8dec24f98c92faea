package simhome

import (
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// refusal is the value that portmap's clients make of a router's code.
func (h *Home) refusal(p portmap.Protocol, code int) *portmap.Refusal {
	r := &portmap.Refusal{Protocol: p, Code: code}
	switch p {
	case portmap.NATPMP:
		r.Name, r.Kind = pmpMeaning(code)
	case portmap.PCP:
		r.Name, r.Kind = pcpMeaning(code)
		r.Retry = time.Duration(pcpRetry(code)) * time.Second
	case portmap.UPnP:
		f := h.Faults()
		r.Name, r.Words, r.Kind = upnpName(code), f.words(code), upnpKind(code)
	}
	return r
}

func pmpMeaning(code int) (string, portmap.Kind) {
	switch code {
	case pmpUnsupportedVersion:
		return "Unsupported Version", portmap.NotSupported
	case pmpNotAuthorized:
		return "Not Authorized/Refused", portmap.Denied
	case pmpNetworkFailure:
		return "Network Failure", portmap.NoOuterAddress
	case pmpOutOfResources:
		return "Out of resources", portmap.Full
	case pmpUnsupportedOpcode:
		return "Unsupported opcode", portmap.NotSupported
	}
	return "Unknown", portmap.Other
}

func pcpMeaning(code int) (string, portmap.Kind) {
	switch code {
	case pcpUnsuppVersion:
		return "UNSUPP_VERSION", portmap.NotSupported
	case pcpNotAuthorized:
		return "NOT_AUTHORIZED", portmap.Denied
	case pcpMalformed:
		return "MALFORMED_REQUEST", portmap.Other
	case pcpUnsuppOpcode:
		return "UNSUPP_OPCODE", portmap.NotSupported
	case pcpUnsuppOption:
		return "UNSUPP_OPTION", portmap.NotSupported
	case pcpMalformedOption:
		return "MALFORMED_OPTION", portmap.Other
	case pcpNetworkFailure:
		return "NETWORK_FAILURE", portmap.NoOuterAddress
	case pcpNoResources:
		return "NO_RESOURCES", portmap.NoOuterAddress
	case pcpUnsuppProtocol:
		return "UNSUPP_PROTOCOL", portmap.NotSupported
	case pcpExQuota:
		return "USER_EX_QUOTA", portmap.Full
	case pcpCannotProvide:
		return "CANNOT_PROVIDE_EXTERNAL", portmap.Conflict
	case pcpAddressMismatch:
		return "ADDRESS_MISMATCH", portmap.AddressMismatch
	case 13:
		return "EXCESSIVE_REMOTE_PEERS", portmap.Other
	}
	return "UNKNOWN", portmap.Other
}

// upnpName differs from upnpWords where the standard has no name: routers then say something, and
// clients have to call it something.
func upnpName(code int) string {
	if name := upnpWords(code); name != unknownError {
		return name
	}
	return "UPnPError"
}

func upnpKind(code int) portmap.Kind {
	switch code {
	case upnpNotAuthorized:
		return portmap.Denied
	case upnpConflict, upnpConflictOther:
		return portmap.Conflict
	case upnpNoRoom:
		return portmap.Full
	case upnpInvalidAction, 404, 602:
		return portmap.NotSupported
	case upnpActionFailed:
		return portmap.NoOuterAddress
	}
	return portmap.Other
}
