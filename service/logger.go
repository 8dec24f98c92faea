package service

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/portsitter/portsitter/service/system"
)

// newLogger returns the log for w: coloured short lines when w is a terminal, lines with their level
// in front when it is systemd's journal, else slog's text format (time=… level=INFO msg=mapped …), which journald, files and scripts take well. level is
// one of the settings' words; an unknown one is "info". No text reaches a terminal with its
// escape sequences: router names and other programs' words are logged, too.
func newLogger(w io.Writer, level string) *slog.Logger {
	var least slog.Level // info
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	if f, ok := w.(*os.File); ok {
		if is, colours := terminal(f); is {
			return slog.New(terminalHandler(w, least, colours && os.Getenv("NO_COLOR") == ""))
		}
		if toJournal(f) {
			return slog.New(system.Journal(w, least))
		}
	}
	// This one quotes and escapes whatever does not print.
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least}))
}

func terminalHandler(w io.Writer, level slog.Level, colours bool) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{
		Level:       level,
		TimeFormat:  "15:04:05",
		NoColor:     !colours,
		ReplaceAttr: escapeAttr, // tint itself lets escape sequences through when it colours
	})
}

func escapeAttr(groups []string, attr slog.Attr) slog.Attr {
	switch attr.Value.Kind() {
	case slog.KindString:
		attr.Value = slog.StringValue(visible(attr.Value.String()))
	case slog.KindAny:
		if attr.Key == slog.LevelKey && len(groups) == 0 {
			break // tint colours it
		}
		attr.Value = slog.StringValue(visible(fmt.Sprint(attr.Value.Any())))
	}
	return attr
}
