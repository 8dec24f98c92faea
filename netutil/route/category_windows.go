package route

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/windows/registry"
)

// networkList is where the Network List Service keeps what COM's INetworkListManager tells.
const networkList = `SOFTWARE\Microsoft\Windows NT\CurrentVersion\NetworkList`

// maxSignatures bounds how many networks of a kind are looked at.
const maxSignatures = 4096

// readSignatures reads all networks with a gateway. Those outside and inside a domain are kept apart.
func readSignatures() ([]signature, error) {
	var all []signature
	for _, kind := range []string{"Unmanaged", "Managed"} {
		path := networkList + `\Signatures\` + kind
		list, err := readSignaturesAt(path)
		if err != nil {
			return nil, fmt.Errorf(`HKLM\%s: %w`, path, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func readSignaturesAt(path string) ([]signature, error) {
	key, err := openNetworkKey(registry.LOCAL_MACHINE, path)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil // no network of this kind has been seen
	}
	if err != nil {
		return nil, err
	}
	defer key.Close()
	names, err := key.ReadSubKeyNames(maxSignatures)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var list []signature
	for _, name := range names {
		if s, ok := readSignature(key, name); ok {
			list = append(list, s)
		}
	}
	return list, nil
}

// readSignature passes over networks without a gateway, and such as are being removed just now.
func readSignature(parent registry.Key, name string) (s signature, ok bool) {
	key, err := openNetworkKey(parent, name)
	if err != nil {
		return signature{}, false
	}
	defer key.Close()
	mac, _, err := key.GetBinaryValue("DefaultGatewayMac")
	if err != nil {
		return signature{}, false
	}
	guid, _, err := key.GetStringValue("ProfileGuid")
	return signature{gatewayMAC: mac, profile: guid}, err == nil && guid != ""
}

// readProfile reads a network's profile; a date that is not there is none.
func readProfile(guid string) (p profile, ok bool) {
	key, err := openNetworkKey(registry.LOCAL_MACHINE, networkList+`\Profiles\`+guid)
	if err != nil {
		return profile{}, false
	}
	defer key.Close()
	p.category, _, err = key.GetIntegerValue("Category")
	if err != nil {
		return profile{}, false
	}
	p.lastConnected, _, _ = key.GetBinaryValue("DateLastConnected")
	return p, true
}

func openNetworkKey(parent registry.Key, path string) (registry.Key, error) {
	return registry.OpenKey(parent, path, registry.QUERY_VALUE|registry.ENUMERATE_SUB_KEYS|registry.WOW64_64KEY)
}
