package configs

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// check judges a text; nil means that it may be taken.
type check func(text string) *refusal

// orEmpty accepts "" as well.
func orEmpty(ok check) check {
	return func(text string) *refusal {
		if text == "" {
			return nil
		}
		return ok(text)
	}
}

// variableName accepts the name of an environment variable.
func variableName(text string) *refusal {
	for i, r := range text {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if digit := r >= '0' && r <= '9'; i >= 128 || !letter && (!digit || i == 0) {
			return &refusal{allowed: "an environment variable's name is made of letters, digits and _"}
		}
	}
	return nil
}

// printable reports whether text has no control characters and is at most most characters long.
func printable(text string, most int) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.RuneCountInString(text) <= most
}

func portName(text string) *refusal {
	if text == "" || !printable(text, 40) || strings.TrimSpace(text) != text {
		return &refusal{allowed: "a name has 1 to 40 printable characters and no space at its ends"}
	}
	return nil
}

// interfaceName allows what Windows does (IF_MAX_STRING_SIZE); other systems have shorter names.
func interfaceName(text string) *refusal {
	if !printable(text, 256) {
		return &refusal{allowed: "the name of a network connection has at most 256 printable characters"}
	}
	return nil
}

// chatText is what a checker passes on into the host's chat, which is neither long nor Unicode.
func chatText(text string) *refusal {
	if !printable(text, 60) || strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return &refusal{allowed: "this is at most 60 plain letters, digits and signs (ASCII)"}
	}
	return nil
}

// filePath finds the classic: "C:\temp" in double quotes, where \t is a tab.
func filePath(text string) *refusal {
	if !printable(text, 4096) {
		return &refusal{
			allowed: "a path has at most 4096 printable characters",
			hint:    `write Windows paths in 'single quotes'`,
		}
	}
	return nil
}

func argument(text string) *refusal {
	if r := filePath(text); r != nil {
		r.allowed = "a program and its arguments have at most 4096 printable characters each"
		return r
	}
	return nil
}

// passwordHash finds a password in plain text, and a hash that was not copied whole.
func passwordHash(text string) *refusal {
	if _, ok := parsePassword(text); text != "" && !ok {
		return &refusal{allowed: `this is the line that "portsitter config password" prints, not the password itself`}
	}
	return nil
}

func webURL(text string) *refusal {
	refused := &refusal{allowed: `a web address is "https://NAME/…" or "http://NAME:PORT/…", without user name and password`}
	u, err := url.Parse(text)
	if err != nil || len(text) > 2048 || strings.ContainsAny(text, " \"\\") || !printable(text, 2048) {
		return refused
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.Fragment != "" || !isHost(u.Hostname()) || !isPort(port) {
		return refused
	}
	return nil
}

// redacted hides the user's part of a web address, for errors.
func redacted(text string) string {
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		if _, host, ok := strings.Cut(rest, "@"); ok {
			return scheme + "://…@" + host
		}
	}
	return text
}

func hostPort(text string) *refusal {
	host, port, err := net.SplitHostPort(text)
	if err != nil || !isHost(host) || !isPort(port) {
		return &refusal{allowed: `this is NAME:PORT, such as "stun.example.net:3478"`}
	}
	return nil
}

func hostName(text string) *refusal {
	if !isHost(text) {
		return &refusal{allowed: `a host is a bare name or address, such as "gamepc.local", without http:// and port`}
	}
	return nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// isHost reports whether text is an address, or a name in the letters of the DNS.
func isHost(text string) bool {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Zone() == ""
	}
	if len(text) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || bareLen(label) != len(label) {
			return false
		}
		last = label
	}
	_, err := strconv.ParseUint(last, 10, 64)
	return err != nil // 192.168.1.300 is no name
}

func gatewayAddr(text string) (netip.Addr, *refusal) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}, &refusal{allowed: `this is an IPv4 address, such as "192.168.1.1", or "" to find it`}
	}
	return a, nil
}

// showAddr writes an address, "" for none.
func showAddr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func listenAddr(text string) (netip.AddrPort, *refusal) {
	a, err := netip.ParseAddrPort(text)
	if err == nil && a.Port() != 0 {
		return a, nil
	}
	r := &refusal{allowed: `this is ADDRESS:PORT in numbers, such as "127.0.0.1:27880" or "[::1]:27880"`}
	if port, ok := strings.CutPrefix(text, "localhost:"); ok && isPort(port) {
		r.hint = `did you mean "127.0.0.1:` + port + `"?`
	}
	return netip.AddrPort{}, r
}

// notLoopback reports whether a page served there can be opened from another device.
func notLoopback(a netip.AddrPort) bool { return !a.Addr().Unmap().IsLoopback() }
