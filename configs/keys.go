package configs

import (
	"net/netip"
	"time"
)

// This file is the vocabulary: every table and key of portsitter.toml, in the order of that file,
// with the bounds of its values. Reading, writing and "did you mean" all work from it.

// key is one key of a table.
type key struct {
	name   string
	secret bool // never shown in errors and by Encode
	field
}

// table is one table of the file, bound to the Settings it fills.
type table struct {
	name string
	keys []key
}

// The tables that may stand there more than once, as [[name]].
const (
	portTable    = "port"
	webhookTable = "notify.webhook"
)

// The words that some keys choose from.
var (
	transports   = []string{"udp", "tcp"}
	games        = []string{"kaillera", "any"}
	protocols    = []string{"pcp", "nat-pmp", "upnp"}
	levels       = []string{"debug", "info", "warn", "error"}
	webhookKinds = []string{"generic", "discord", "ntfy", "slack", "gotify"} // the first one when left out
)

// The bounds of times.
const (
	// RFC 6887 section 15 advises routers to grant 120 s to 24 h: a lease outside of that comes
	// back as another one.
	minLease, maxLease = 2 * time.Minute, 24 * time.Hour
	// Faster is a burden for a home router, slower finds a restarted one too late.
	minReadBack, maxReadBack = 10 * time.Second, time.Hour
	// Politeness: these are free services of others.
	minSTUN, maxSTUN = 5 * time.Minute, 24 * time.Hour
	minHTTP, maxHTTP = time.Hour, 7 * 24 * time.Hour
)

func portKeys(p *Port) []key {
	return []key{
		{name: "name", field: textField(&p.Name, checked(portName), asIs)},
		{name: "port", field: portField(&p.Port)},
		{name: "external_port", field: portField(&p.ExternalPort)},
		{name: "transport", field: textField(&p.Transport, checked(oneOf("transport", transports)), asIs)},
		{name: "game", field: textField(&p.Game, checked(oneOf("game", games)), asIs)},
	}
}

func webhookKeys(w *Webhook) []key {
	return []key{
		{name: "url", secret: true, field: textField(&w.URL, checked(orEmpty(webURL)), asIs)},
		{name: "url_file", field: textField(&w.URLFile, checked(filePath), asIs)},
		// The name is none, but people paste the address itself there.
		{name: "url_env", secret: true, field: textField(&w.URLEnv, checked(orEmpty(variableName)), asIs)},
		{name: "kind", field: textField(&w.Kind, checked(oneOf("kind", webhookKinds)), asIs)},
	}
}

// tables gives the tables that stand there once.
func tables(s *Settings) []table {
	return []table{
		{"network", []key{
			{name: "interface", field: textField(&s.Network.Interface, checked(interfaceName), asIs)},
			{name: "gateway", field: textField(&s.Network.Gateway, gatewayAddr, showAddr)},
			{name: "public_profile", field: boolField(&s.Network.PublicProfile)},
		}},
		{"router", []key{
			{name: "protocols", field: notEmpty(listField(&s.Router.Protocols, false, checked(oneOf("a protocol", protocols)), asIs))},
			{name: "lease", field: timeField(&s.Router.Lease, minLease, maxLease)},
			{name: "read_back", field: timeField(&s.Router.ReadBack, minReadBack, maxReadBack)},
			{name: "other_external_port", field: boolField(&s.Router.OtherExternalPort)},
			{name: "upstream", field: boolField(&s.Router.Upstream)},
		}},
		{"public_ip", []key{
			{name: "router", field: boolField(&s.PublicIP.Router)},
			{name: "stun_every", field: timeField(&s.PublicIP.STUNEvery, minSTUN, maxSTUN)},
			{name: "http_every", field: timeField(&s.PublicIP.HTTPEvery, minHTTP, maxHTTP)},
			{name: "http", field: listField(&s.PublicIP.HTTP, false, checked(webURL), asIs)},
			{name: "stun", field: listField(&s.PublicIP.STUN, false, checked(hostPort), asIs)},
		}},
		{"checker", []key{
			{name: "urls", field: listField(&s.Checker.URLs, false, checked(webURL), asIs)},
			{name: "stand_in", field: boolField(&s.Checker.StandIn)},
			{name: "automatic", field: boolField(&s.Checker.Automatic)},
			{name: "via", field: textField(&s.Checker.Via, checked(chatText), asIs)},
		}},
		{"page", []key{
			{name: "listen", field: listField(&s.Page.Listen, false, listenAddr, netip.AddrPort.String)},
			{name: "hosts", field: listField(&s.Page.Hosts, false, checked(hostName), asIs)},
			{name: "password", secret: true, field: textField(&s.Page.Password, checked(passwordHash), asIs)},
			{name: "hide_address", field: boolField(&s.Page.HideAddress)},
		}},
		{"notify", []key{
			{name: "command", field: listField(&s.Notify.Command, true, checked(argument), asIs)},
		}},
		{"log", []key{
			{name: "level", field: textField(&s.Log.Level, checked(oneOf("level", levels)), asIs)},
			{name: "file", field: textField(&s.Log.File, checked(filePath), asIs)},
		}},
	}
}
