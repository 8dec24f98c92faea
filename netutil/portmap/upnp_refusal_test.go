package portmap

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/huin/goupnp/soap"
)

func TestUPnPRefusalCodes(t *testing.T) {
	for code, want := range map[int]struct {
		name string
		kind Kind
	}{
		401: {"Invalid Action", NotSupported},
		402: {"Invalid Args", Other},
		404: {"Invalid Var", NotSupported},
		501: {"Action Failed", NoOuterAddress},
		600: {"Argument Value Invalid", Other},
		601: {"Argument Value Out of Range", Other},
		602: {"Optional Action Not Implemented", NotSupported},
		603: {"Out of Memory", Other},
		604: {"Human Intervention Required", Other},
		605: {"String Argument Too Long", Other},
		606: {"Action not authorized", Denied},
		713: {"SpecifiedArrayIndexInvalid", Other},
		714: {"NoSuchEntryInArray", Other},
		715: {"WildCardNotPermittedInSrcIP", Other},
		716: {"WildCardNotPermittedInExtPort", Other},
		718: {"ConflictInMappingEntry", Conflict},
		724: {"SamePortValuesRequired", Other},
		725: {"OnlyPermanentLeasesSupported", Other},
		726: {"RemoteHostOnlySupportsWildcard", Other},
		727: {"ExternalPortOnlySupportsWildcard", Other},
		728: {"NoPortMapsAvailable", Full},
		729: {"ConflictWithOtherMechanisms", Conflict},
		730: {"PortMappingNotFound", Other},
		732: {"WildCardNotPermittedInIntPort", Other},
		899: {"UPnPError", Other},
	} {
		t.Run(want.name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = fault(500, fmt.Sprint(code))
			_, err := f.client(t, "miniupnpd-igd2.xml").External(t.Context())
			got, ok := errors.AsType[*Refusal](err)
			expected := Refusal{Protocol: UPnP, Kind: want.kind, Code: code, Name: want.name, Words: "words of the router"}
			if !ok || *got != expected {
				t.Errorf("got %v, want %+v", err, expected)
			}
		})
	}
}

// A look-up that fails says nothing about the outer side.
func TestUPnPFailedLookup(t *testing.T) {
	f := newFakeIGD(t)
	f.soap = fault(500, "501")
	_, err := f.client(t, "miniupnpd-igd2.xml").Lookup(t.Context(), UDP, 27886)
	if r, ok := errors.AsType[*Refusal](err); !ok || r.Kind != Other || r.Code != 501 {
		t.Errorf("got %#v", r)
	}
}

func TestUPnPRefusalDialects(t *testing.T) {
	const fine = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>`
	for name, c := range map[string]struct {
		status int
		body   string
		code   int
		name   string
		words  string
		kind   Kind
	}{
		"MikroTik": {500, fine + `<faultCode>s:Client</faultCode><faultString>UPnPError</faultString><detail><UPnPError><errorCode> 725 </errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`,
			725, "OnlyPermanentLeasesSupported", "", Other},
		"no namespaces": {500, `<Envelope><Body><Fault><detail><UPnPError><errorCode>718</errorCode><errorDescription>Conflict</errorDescription></UPnPError></detail></Fault></Body></Envelope>`,
			718, "ConflictInMappingEntry", "Conflict", Conflict},
		"prefix nobody declared": {500, `<s:Envelope><s:Body><s:Fault><detail><u:UPnPError><u:errorCode>606</u:errorCode></u:UPnPError></detail></s:Fault></s:Body></s:Envelope>`,
			606, "Action not authorized", "", Denied},
		"Latin-1": {500, `<?xml version="1.0" encoding="ISO-8859-1"?>` + fine + "<detail><UPnPError><errorCode>606</errorCode><errorDescription>Acc\xe8s refus\xe9</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>",
			606, "Action not authorized", "Accès refusé", Denied},
		"unescaped ampersand": {500, fine + `<detail><UPnPError><errorCode>501</errorCode><errorDescription>NAT & UPnP off</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`,
			501, "Action Failed", "NAT & UPnP off", NoOuterAddress},
		"cut short": {500, fine + `<detail><UPnPError><errorCode>728</errorCode><errorDesc`,
			728, "NoPortMapsAvailable", "", Full},
		"control letters": {500, soapFaultText("606", "no\x1b[31m  way\r\n"+strings.Repeat("x", 200)),
			606, "Action not authorized", "no [31m way " + strings.Repeat("x", maxWords-12), Denied},
		"fault with 200": {200, soapFaultText("718", ""), 718, "ConflictInMappingEntry", "", Conflict},
		"fault without code": {500, fine + `<faultstring>Not now</faultstring></s:Fault></s:Body></s:Envelope>`,
			500, "HTTP 500", "Not now", Other},
		"code that is no code": {500, soapFaultText("60606", "what"), 500, "HTTP 500", "what", Other},
		"HTML page": {500, "<!DOCTYPE html><html><head><title>500 Internal Server Error</title></head></html>",
			500, "HTTP 500", "500 Internal Server Error", Other},
		"nothing at all":  {500, "", 500, "HTTP 500", "", Other},
		"password wanted": {401, "<html><body>Unauthorized</body></html>", 401, "HTTP 401", "Unauthorized", Denied},
		"forbidden":       {403, "", 403, "HTTP 403", "", Denied},
		"busy":            {503, "", 503, "HTTP 503", "", Other},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeIGD(t)
			f.soap = func(soapCall) (int, string) { return c.status, c.body }
			_, err := f.client(t, "miniupnpd-igd2.xml").External(t.Context())
			got, ok := errors.AsType[*Refusal](err)
			want := Refusal{Protocol: UPnP, Kind: c.kind, Code: c.code, Name: c.name, Words: c.words}
			if !ok || *got != want {
				t.Errorf("got %v (%#v), want %#v", err, got, want)
			}
		})
	}
}

// roundTrip makes a function an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzSOAPAnswer takes any answer through the same steps as the wire does.
func FuzzSOAPAnswer(f *testing.F) {
	f.Add(500, []byte(soapFaultText("718", "ConflictInMappingEntry")))
	f.Add(200, []byte(soapOK(soapCall{action: "GetExternalIPAddress", urn: igdServices[0]}, "NewExternalIPAddress", "203.0.113.7")))
	f.Add(500, []byte("<html><body>Oops"))
	f.Add(200, []byte("<Envelope><Body><Fault><errorCode>7</errorCode>"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		x := &exchange{ctx: t.Context(), soap: true}
		client := http.Client{CheckRedirect: noRedirect, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return x.accept(&http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(string(body))), Request: r, Header: http.Header{}})
		})}
		c := soap.SOAPClient{EndpointURL: *mustURL(t, "http://127.0.0.1:1/"), HTTPClient: client}
		var out heldEntry
		if c.PerformActionCtx(t.Context(), igdServices[0], "GetSpecificPortMappingEntry", &entryKey{}, &out) == nil {
			out.entry()
			return
		}
		r := refusalOf(x, "AddPortMapping")
		if r != nil && (r.Name == "" || !utf8.ValidString(r.Words) || utf8.RuneCountInString(r.Words) > maxWords) {
			t.Errorf("refusal %#v", r)
		}
	})
}
