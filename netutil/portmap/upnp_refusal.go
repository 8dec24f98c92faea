package portmap

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// ErrGone means that nobody answers for UPnP at the address that the router gave earlier: refused,
// silent, not found or led elsewhere. Many routers change that address when they restart
// (go-libp2p#3367, syncthing#1892), so the cure is a new Search at once.
var ErrGone = errors.New("the router does not answer at the address it gave")

// refusalOf reads the router's no from an answer, nil if there is none. The code is looked for by
// its name alone, wherever it stands: there are envelopes without namespaces, and one in which
// every other element is misspelled.
func refusalOf(x *exchange, action string) *Refusal {
	fault := readFault(x.body)
	r := &Refusal{Protocol: UPnP, Code: fault.code, Words: fault.words()}
	switch {
	case fault.code != 0:
		r.Name, r.Kind = upnpCodeName(fault.code), upnpKind(fault.code, action)
	case x.status != http.StatusOK || fault.text != "":
		r.Code, r.Name = x.status, fmt.Sprintf("HTTP %d", x.status)
		if x.status == http.StatusUnauthorized || x.status == http.StatusForbidden {
			r.Kind = Denied
		}
		if r.Words == "" {
			r.Words = firstWords(x.body)
		}
	default:
		return nil
	}
	return r
}

// soapFault is what is of use in a SOAP fault (UPnP Device Architecture 1.1 section 3.2.2).
type soapFault struct {
	code        int
	description string // errorDescription
	text        string // faultstring, "UPnPError" by the standard
}

func (f soapFault) words() string {
	if f.description == "" && !strings.EqualFold(f.text, "UPnPError") {
		return f.text
	}
	return f.description
}

// readFault reads as far as the text can be read: what came before the damage counts.
func readFault(body []byte) (f soapFault) {
	tokens := newBoundedXML(body)
	name := ""
	for {
		t, err := tokens.Token()
		if err != nil {
			return f
		}
		switch t := t.(type) {
		case xml.StartElement:
			name = strings.ToLower(t.Name.Local)
		case xml.EndElement:
			name = ""
		case xml.CharData:
			switch name {
			case "errorcode":
				f.code = codeNumber(string(t))
			case "errordescription":
				f.description = cleanText(string(t), maxWords)
			case "faultstring":
				f.text = cleanText(string(t), maxWords)
			}
		}
	}
}

// codeNumber is 0 for what is not a code: UPnP has codes of three digits only.
func codeNumber(text string) int {
	code, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || code < 100 || code > 999 {
		return 0
	}
	return int(code)
}

// upnpKind sorts a UPnP error code. 501 ActionFailed is what routers answer when they have no
// outer address to map (miniupnp#505), but only where such an address matters; a failed look-up
// says nothing about it.
func upnpKind(code int, action string) Kind {
	switch code {
	case 606:
		return Denied
	case 718, 729:
		return Conflict
	case 728:
		return Full
	case 401, 404, 602:
		return NotSupported
	case 501:
		if action == "AddPortMapping" || action == "GetExternalIPAddress" {
			return NoOuterAddress
		}
	}
	return Other
}

// upnpCodeName gives the standard's name of an error code that an action on port mappings can
// end in: 401 to 606 from UPnP Device Architecture 1.1 section 3.2.2, the others from
// WANIPConnection:1 and :2 section 2.4.
func upnpCodeName(code int) string {
	switch code {
	case 401:
		return "Invalid Action"
	case 402:
		return "Invalid Args"
	case 404:
		return "Invalid Var"
	case 501:
		return "Action Failed"
	case 600:
		return "Argument Value Invalid"
	case 601:
		return "Argument Value Out of Range"
	case 602:
		return "Optional Action Not Implemented"
	case 603:
		return "Out of Memory"
	case 604:
		return "Human Intervention Required"
	case 605:
		return "String Argument Too Long"
	case 606:
		return "Action not authorized"
	case 713:
		return "SpecifiedArrayIndexInvalid"
	case 714:
		return "NoSuchEntryInArray"
	case 715:
		return "WildCardNotPermittedInSrcIP"
	case 716:
		return "WildCardNotPermittedInExtPort"
	case 718:
		return "ConflictInMappingEntry"
	case 724:
		return "SamePortValuesRequired"
	case 725:
		return "OnlyPermanentLeasesSupported"
	case 726:
		return "RemoteHostOnlySupportsWildcard"
	case 727:
		return "ExternalPortOnlySupportsWildcard"
	case 728:
		return "NoPortMapsAvailable"
	case 729:
		return "ConflictWithOtherMechanisms"
	case 730:
		return "PortMappingNotFound"
	case 732:
		return "WildCardNotPermittedInIntPort"
	}
	return "UPnPError"
}
