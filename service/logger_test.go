package service

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	escapes = "\x1b[31mevil\x1b]0;title\a\u009b2J\u202e \xff\x9b\r\nforged"
	// tint turns this into an escape when it quotes the text, because of the space.
	writtenOut = `a \x1b[31m name`
	// In this old encoding, the first byte opens an escape sequence by itself.
	eightBit = "\x9b2J"
)

var hostileTexts = []string{escapes, writtenOut, eightBit}

func TestTextLogIsHarmless(t *testing.T) {
	var b bytes.Buffer
	for _, text := range hostileTexts {
		logHostile(newLogger(&b, "info"), text)
	}
	mustBeHarmless(t, b.Bytes(), len(hostileTexts)*hostileLines)
}

// Without its own colours, a terminal's log must hold nothing but printable text.
func TestTerminalLogIsHarmless(t *testing.T) {
	for name, colours := range map[string]bool{"coloured": true, "plain": false} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			for _, text := range hostileTexts {
				logHostile(slog.New(terminalHandler(&b, slog.LevelInfo, colours)), text)
			}
			if got := bytes.Contains(b.Bytes(), []byte("\x1b[")); got != colours {
				t.Errorf("colours: %v, want %v", got, colours)
			}
			mustBeHarmless(t, withoutTint(b.Bytes()), len(hostileTexts)*hostileLines)
		})
	}
}

func FuzzTerminalLogIsHarmless(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Add(`\\x1b `)
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		logHostile(slog.New(terminalHandler(&b, slog.LevelInfo, true)), text)
		mustBeHarmless(t, withoutTint(b.Bytes()), hostileLines)
	})
}

// withoutTint takes away the colours that tint itself uses: dim, the levels, and back.
func withoutTint(b []byte) []byte {
	return regexp.MustCompile(`\x1b\[(2|22|0|9[1-3])m`).ReplaceAll(b, nil)
}

type hostileError string

func (e hostileError) Error() string { return string(e) }

type hostileValuer string

func (v hostileValuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

const hostileLines = 7

func logHostile(log *slog.Logger, text string) {
	log.Info(text)
	log.Info("string", "router", text)
	log.Info("error", "error", hostileError(text))
	log.Info("any", "value", struct{ Name string }{text})
	log.Info("valuer", "value", hostileValuer(text))
	log.With("router", text).Info("with")
	log.Info("group", slog.Group("router", slog.String("name", text)))
}

func mustBeHarmless(t *testing.T, log []byte, lines int) {
	t.Helper()
	if !utf8.Valid(log) {
		t.Errorf("not UTF-8: %q", log)
	}
	for _, r := range string(log) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%U reaches the terminal: %q", r, log)
		}
	}
	if got := bytes.Count(log, []byte("\n")); got != lines {
		t.Errorf("%d lines, want %d: %q", got, lines, log)
	}
}

func TestLogFormat(t *testing.T) {
	var b bytes.Buffer
	log := newLogger(&b, "info")
	log.Debug("not shown")
	log.Info("mapped", "port", "Kaillera P2P", "external", netip.MustParseAddrPort("203.0.113.7:27886"), "protocol", "pcp")
	log.Error("lost", "error", errors.New("718 ConflictInMappingEntry"))
	got := regexp.MustCompile(`time=[^ ]+`).ReplaceAllString(b.String(), "time=T")
	want := `time=T level=INFO msg=mapped port="Kaillera P2P" external=203.0.113.7:27886 protocol=pcp
time=T level=ERROR msg=lost error="718 ConflictInMappingEntry"
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTerminalLogFormat(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(terminalHandler(&b, slog.LevelInfo, false))
	log.Warn("mapped", "port", "Kaillera P2P", "external", netip.MustParseAddrPort("203.0.113.7:27886"), "error", error(nil))
	got := regexp.MustCompile(`^\d\d:\d\d:\d\d`).ReplaceAllString(b.String(), "T")
	if want := "T WRN mapped port=\"Kaillera P2P\" external=203.0.113.7:27886 error=<nil>\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestLogLevel(t *testing.T) {
	for level, want := range map[string]string{
		"debug": "D I W E", "info": "I W E", "warn": "W E", "error": "E", "": "I W E", "loud": "I W E",
	} {
		var b bytes.Buffer
		log := newLogger(&b, level)
		log.Debug("D")
		log.Info("I")
		log.Warn("W")
		log.Error("E")
		var got []string
		for _, m := range regexp.MustCompile(`msg=(.)`).FindAllStringSubmatch(b.String(), -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("level %q shows %v, want %s", level, got, want)
		}
	}
}
