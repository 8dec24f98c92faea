package simhome

import "errors"

var errNoInternet = errors.New("the home is not connected to the internet")

// NAT-PMP result codes (RFC 6886 section 3.5).
const (
	pmpUnsupportedVersion = 1
	pmpNotAuthorized      = 2
	pmpNetworkFailure     = 3
	pmpOutOfResources     = 4
	pmpUnsupportedOpcode  = 5
)

// PCP result codes (RFC 6887 section 7.4).
const (
	pcpUnsuppVersion   = 1
	pcpNotAuthorized   = 2
	pcpMalformed       = 3
	pcpUnsuppOpcode    = 4
	pcpUnsuppOption    = 5
	pcpMalformedOption = 6
	pcpNetworkFailure  = 7
	pcpNoResources     = 8
	pcpUnsuppProtocol  = 9
	pcpExQuota         = 10
	pcpCannotProvide   = 11
	pcpAddressMismatch = 12
)

// UPnP error codes (UPnP Device Architecture 3.2.2, WANIPConnection:2 section 2.5).
const (
	upnpInvalidAction = 401
	upnpInvalidArgs   = 402
	upnpActionFailed  = 501
	upnpNotAuthorized = 606
	upnpIndexInvalid  = 713
	upnpNoSuchEntry   = 714
	upnpNoWildcard    = 716
	upnpConflict      = 718
	upnpSamePort      = 724
	upnpOnlyPermanent = 725
	upnpNoRoom        = 728
	upnpConflictOther = 729
)

// pmp gives NAT-PMP's code; 0 is success.
func (n no) pmp() int {
	switch n {
	case fine:
		return 0
	case noOuterAddress:
		return pmpNetworkFailure
	case full, conflict, conflictByHand, unequalPorts: // it has no code for a taken port
		return pmpOutOfResources
	}
	return pmpNotAuthorized
}

// pcp gives PCP's code; 0 is success.
func (n no) pcp() int {
	switch n {
	case fine:
		return 0
	case noOuterAddress: // as miniupnpd: NETWORK_FAILURE would be the RFC's word
		return pcpNoResources
	case full:
		return pcpExQuota
	case conflict, conflictByHand, unequalPorts:
		return pcpCannotProvide
	case notTheCaller:
		return pcpAddressMismatch
	}
	return pcpNotAuthorized
}

// upnp gives UPnP's code; 0 is success.
func (n no) upnp(f *Faults) int {
	switch n {
	case fine:
		return 0
	case noOuterAddress:
		return upnpActionFailed
	case full:
		return upnpNoRoom
	case conflict, tooEarly:
		return upnpConflict
	case conflictByHand:
		if f.ManualIs729 {
			return upnpConflictOther
		}
		return upnpConflict
	case notTheCaller:
		if f.IGD.version() == 1 {
			return upnpConflict
		}
		return upnpNotAuthorized
	case onlyPermanent:
		return upnpOnlyPermanent
	case badLease:
		return upnpInvalidArgs
	case unequalPorts:
		return upnpSamePort
	case noSuchEntry:
		return upnpNoSuchEntry
	}
	return upnpNotAuthorized
}

const unknownError = "Unknown Error"

// upnpWords are the standard's names, as routers send them in errorDescription.
func upnpWords(code int) string {
	switch code {
	case upnpInvalidAction:
		return "Invalid Action"
	case upnpInvalidArgs:
		return "Invalid Args"
	case upnpActionFailed:
		return "Action Failed"
	case upnpNotAuthorized:
		return "Action not authorized"
	case upnpIndexInvalid:
		return "SpecifiedArrayIndexInvalid"
	case upnpNoSuchEntry:
		return "NoSuchEntryInArray"
	case upnpNoWildcard:
		return "WildCardNotPermittedInExtPort"
	case upnpConflict:
		return "ConflictInMappingEntry"
	case upnpSamePort:
		return "SamePortValuesRequired"
	case upnpOnlyPermanent:
		return "OnlyPermanentLeasesSupported"
	case 726:
		return "RemoteHostOnlySupportsWildcard"
	case 727:
		return "ExternalPortOnlySupportsWildcard"
	case upnpNoRoom:
		return "NoPortMapsAvailable"
	case upnpConflictOther:
		return "ConflictWithOtherMechanisms"
	case 732:
		return "WildCardNotPermittedInIntPort"
	}
	return unknownError
}

// pcpRetry is the lifetime of an error response in seconds: how long the same request would get the
// same answer (RFC 6887 section 7.4 names short and long ones, section 8.3 their lengths).
func pcpRetry(code int) uint32 {
	switch code {
	case pcpNetworkFailure, pcpNoResources, pcpExQuota, pcpCannotProvide:
		return 30
	}
	return 30 * 60
}
