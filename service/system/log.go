package system

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// Journal is the handler for the journal of systemd, which reads standard error line by line: a
// prefix <3> to <7> tells it the level (sd-daemon(3)). It stamps the time itself.
func Journal(w io.Writer, least slog.Level) slog.Handler {
	return newByLevel(least, func(level slog.Level) io.Writer {
		return prefixed{w, fmt.Sprintf("<%d>", syslogLevel(level))}
	})
}

// syslogLevel: 3 is error, 4 warning, 6 information, 7 debug (RFC 5424 section 6.2.1).
func syslogLevel(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}

// prefixed writes each line, which slog hands over whole, with a prefix.
type prefixed struct {
	w      io.Writer
	prefix string
}

func (p prefixed) Write(line []byte) (int, error) {
	if _, err := p.w.Write(append([]byte(p.prefix), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// byLevel writes the text of slog, one handler for each level: the text handler does not tell its
// writer which level a line has.
type byLevel struct {
	least    slog.Level
	handlers map[slog.Level]slog.Handler
}

func newByLevel(least slog.Level, to func(slog.Level) io.Writer) byLevel {
	b := byLevel{least, map[slog.Level]slog.Handler{}}
	o := slog.HandlerOptions{Level: slog.Level(-100), ReplaceAttr: withoutTime}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		b.handlers[level] = slog.NewTextHandler(to(level), &o)
	}
	return b
}

func withoutTime(groups []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return attr
}

func (b byLevel) Enabled(_ context.Context, level slog.Level) bool { return level >= b.least }

func (b byLevel) Handle(ctx context.Context, r slog.Record) error {
	level := slog.LevelDebug
	for _, l := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if r.Level >= l {
			level = l
		}
	}
	return b.handlers[level].Handle(ctx, r)
}

func (b byLevel) WithAttrs(attrs []slog.Attr) slog.Handler {
	return b.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (b byLevel) WithGroup(name string) slog.Handler {
	return b.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (b byLevel) each(change func(slog.Handler) slog.Handler) slog.Handler {
	out := byLevel{b.least, make(map[slog.Level]slog.Handler, len(b.handlers))}
	for level, h := range b.handlers {
		out.handlers[level] = change(h)
	}
	return out
}
