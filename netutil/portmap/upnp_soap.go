package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/huin/goupnp/soap"
)

// The arguments of the actions, in the order of WANIPConnection:1 section 2.4: some firmware reads
// them by position. All are text, because the typed clients of goupnp give up on a whole answer for
// one field that is spelled badly ("-1" seconds, an empty boolean).
type (
	entryKey struct {
		NewRemoteHost   string // "": from anywhere
		NewExternalPort string
		NewProtocol     string // upper case: tailscale#7377
	}
	newEntry struct {
		NewRemoteHost             string
		NewExternalPort           string
		NewProtocol               string
		NewInternalPort           string
		NewInternalClient         string
		NewEnabled                string
		NewPortMappingDescription string
		NewLeaseDuration          string
	}
	heldEntry struct {
		NewInternalPort           string
		NewInternalClient         string
		NewEnabled                string
		NewPortMappingDescription string
		NewLeaseDuration          string
	}
	outerAddress struct{ NewExternalIPAddress string }
)

func keyOf(t Transport, external uint16) entryKey {
	return entryKey{
		NewExternalPort: strconv.Itoa(int(external)),
		NewProtocol:     strings.ToUpper(string(t)),
	}
}

// call performs one action. Errors: *Refusal for the router's no; errors.Is(err, ErrGone) if
// nobody answers there; errors.Is with the context's error when that ended.
func (s *service) call(ctx context.Context, action string, in, out any) error {
	var err error
	for _, control := range s.controls {
		var missing bool
		missing, err = s.callAt(ctx, control, action, in, out)
		if !missing {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

// callAt asks one address; missing means that there is nothing at it.
func (s *service) callAt(ctx context.Context, control *url.URL, action string, in, out any) (missing bool, err error) {
	var soapErr error
	x, err := s.guard.do(ctx, control, true, func(ctx context.Context, client http.Client) error {
		c := soap.SOAPClient{EndpointURL: *control, HTTPClient: client}
		soapErr = c.PerformActionCtx(ctx, s.urn, action, in, out)
		return soapErr
	})
	if err != nil {
		return x != nil && x.status == http.StatusNotFound, err
	}
	if soapErr == nil {
		return false, nil
	}
	if refusal := refusalOf(x, action); refusal != nil {
		return false, refusal
	}
	if out == nil && confirms(x.body, action) {
		return false, nil
	}
	return false, fmt.Errorf("the router's answer cannot be read, it begins with %q: %w",
		firstWords(x.body), unprefixed(soapErr))
}

// confirms reports whether an answer with HTTP 200 that the SOAP library could not read is a yes
// all the same. An action without results says nothing but its own name, or nothing at all; a
// login page is no yes.
func confirms(body []byte, action string) bool {
	text := strings.TrimSpace(string(body))
	return text == "" || strings.Contains(text, action+"Response")
}

// unprefixed takes the library's name off its messages, which people get to read.
func unprefixed(err error) error {
	if text, found := strings.CutPrefix(err.Error(), "goupnp: "); found {
		return errors.New(text)
	}
	return err
}

// external asks for the outer address. What is not the address of anybody (empty, 0.0.0.0, words)
// is an Outer without one and no error: the router answered, and does not know.
func (s *service) external(ctx context.Context) (Outer, error) {
	var out outerAddress
	if err := s.call(ctx, "GetExternalIPAddress", &struct{}{}, &out); err != nil {
		return Outer{}, err
	}
	a, err := netip.ParseAddr(strings.TrimSpace(out.NewExternalIPAddress))
	if err != nil || a.Unmap().IsUnspecified() {
		return Outer{}, nil
	}
	return Outer{Addr: a.Unmap().WithZone("")}, nil
}
