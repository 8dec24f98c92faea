package portmap

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// evilWords are what a router may call anything: letters that turn the writing round or show nowhere,
// a line break, and no end.
var evilWords = "evil\u202e \n\u200b\u2028words " + strings.Repeat("x", 5000)

// TestStrangersWordsAreFitToShow: wherever words of a stranger leave this package, they are those of one
// line, bounded, with letters only that a person sees.
func TestStrangersWordsAreFitToShow(t *testing.T) {
	shown := map[string]string{
		"first words": firstWords([]byte("<h1>" + evilWords)),
		"fault":       readFault([]byte("<a><errorDescription>" + evilWords + "</errorDescription></a>")).description,
		"fault text":  readFault([]byte("<a><faultstring>" + evilWords + "</faultstring></a>")).text,
	}
	text := strings.ReplaceAll(fixture(t, "miniupnpd-igd2.xml"), "PORT", "1900")
	_, _, err := gatewayURL("ftp://127.0.0.1/"+strings.ReplaceAll(evilWords[:400], "\n", ""), loopback)
	shown["address"] = fmt.Sprint(err)
	_, _, err = gatewayURL("%zz"+evilWords[:400], loopback)
	shown["no address"] = fmt.Sprint(err)
	_, err = parseDescription([]byte(strings.ReplaceAll(text, ">/ctl/IPConn<", ">%zz"+evilWords[:400]+"<")), mustURL(t, "http://127.0.0.1:5000/a"), newGuard(loopback, loopback))
	shown["control address"] = fmt.Sprint(err)
	for name, kept := range map[string][]string{ // of the three names; the others are emptied
		"maker": {"manufacturer"}, "model": {"modelName"}, "friendly name": {"friendlyName"}, "maker and model": {"manufacturer", "modelName"},
	} {
		own := text
		for _, tag := range []string{"manufacturer", "modelName", "friendlyName"} {
			own = firstElement(own, tag, map[bool]string{true: evilWords}[slices.Contains(kept, tag)])
		}
		d, err := parseDescription([]byte(firstElement(own, "UDN", evilWords)), mustURL(t, "http://127.0.0.1:5000/a"), newGuard(loopback, loopback))
		if err != nil {
			t.Fatal(err)
		}
		shown[name], shown["UDN"] = d.device.Name, d.device.UDN
	}
	entry, err := heldEntry{NewInternalClient: "192.168.77.2", NewInternalPort: "1", NewPortMappingDescription: evilWords}.entry()
	if err != nil {
		t.Fatal(err)
	}
	shown["entry"] = entry.Description
	_, err = heldEntry{NewInternalClient: evilWords}.entry()
	shown["client"] = fmt.Sprint(err)
	_, err = heldEntry{NewInternalClient: "192.168.77.2", NewInternalPort: evilWords}.entry()
	shown["port"] = fmt.Sprint(err)
	a, _ := parseNotify([]byte("NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nNT: "+igdTarget+"\r\nUSN: uuid:evil\u202ewords::"+igdTarget+"\r\n\r\n"), loopback)
	shown["announced UDN"] = a.UDN
	for where, words := range shown {
		most := 2 * maxWords // an error has words of ours, too
		if strings.HasPrefix(where, "maker") {
			most = maxName
		}
		if fit := strings.Map(visible, words); fit != words || words == "" || strings.Contains(words, "  ") || utf8.RuneCountInString(words) > most {
			t.Errorf("%s: %d letters, %.200q", where, utf8.RuneCountInString(words), words)
		}
		if !strings.Contains(words, "evil") {
			t.Errorf("%s: the words are not there: %.200q", where, words)
		}
	}
}

func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// firstElement gives the first element of a name another text.
func firstElement(text, tag, words string) string {
	before, rest, _ := strings.Cut(text, "<"+tag+">")
	_, after, found := strings.Cut(rest, "</"+tag+">")
	if !found {
		return text
	}
	return before + "<" + tag + ">" + words + "</" + tag + ">" + after
}
