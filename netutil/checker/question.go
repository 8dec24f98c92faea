package checker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// question is a request for a check, as far as it can be understood without knowing who asks.
type question struct {
	host netip.Addr // not valid = "self"
	port uint16
	via  string
	any  bool // not Kaillera: a token is to come back
}

// decodeQuestion reads the body of POST p2p-check. Fields that are not known are passed over.
func decodeQuestion(body []byte) (question, error) {
	q := question{port: defaultPort}
	var fields struct{ Host, Port, Via, Game json.RawMessage }
	if err := json.Unmarshal(body, &fields); err != nil {
		return q, errors.New(`this is not a JSON object like {"host":"self","port":27886}`)
	}
	var host string
	if err := json.Unmarshal(fields.Host, &host); err != nil || host == "" {
		return q, errors.New(`"host" is missing: your IPv4 address, or "self"`)
	}
	if host != "self" {
		addr, err := netip.ParseAddr(host)
		if err != nil { // no name is looked up: it could lead anywhere
			return q, errors.New(`"host" must be an address like 198.51.100.7, or "self"`)
		}
		q.host = addr.Unmap()
	}
	if len(fields.Port) > 0 {
		port, ok := decodePort(fields.Port)
		if !ok {
			return q, errors.New(`"port" must be a number from 1025 to 65535`)
		}
		q.port = port
	}
	q.via = ascii(text(fields.Via, maxVia), maxVia)
	switch game := text(fields.Game, maxName); game {
	case "", "kaillera":
	case "any":
		q.any = true
	default:
		return q, fmt.Errorf(`"game" is %q and must be "kaillera" or "any"`, game)
	}
	return q, nil
}
