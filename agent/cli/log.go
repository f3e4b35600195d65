package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"meteragent/agent/config"
	"meteragent/agent/text"
	"meteragent/packaging"
)

// openLog makes the log: to a file of its own if the configuration names one, else
// to standard error; under systemd without the time, which the journal adds, and
// with the priority in front (sd-daemon(3)). A Windows service has no standard
// error: it always has a file, and its warnings go to the event log, too. trouble says what
// is wrong with the file, at any time; end closes it.
func openLog(c config.Log, stderr io.Writer, service bool) (log *slog.Logger, trouble text.Sentence, end func() error) {
	options := &slog.HandlerOptions{Level: c.Level}
	if service && c.File == "" {
		c.File = filepath.Join(packaging.DataDir(), "meteragent.log")
	}
	if c.File != "" {
		f := openLogFile(c.File, stderr)
		file := slog.NewTextHandler(f, options)
		if !service {
			return slog.New(file), f.trouble, f.Close
		}
		events, closeEvents, err := packaging.EventLog()
		if err != nil || events == nil {
			return slog.New(file), f.trouble, f.Close // the file says everything
		}
		return slog.New(slog.NewMultiHandler(file, events)), f.trouble, func() error { return errors.Join(closeEvents(), f.Close()) }
	}
	nothing := func() error { return nil }
	if os.Getenv("JOURNAL_STREAM") == "" {
		return slog.New(slog.NewTextHandler(stderr, options)), text.Quoted(""), nothing
	}
	options.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
		if len(groups) == 0 && (attr.Key == slog.TimeKey || attr.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return attr
	}
	return slog.New(journal{slog.NewTextHandler(prefixed{stderr, "<6>"}, options), map[slog.Level]slog.Handler{
		slog.LevelDebug: slog.NewTextHandler(prefixed{stderr, "<7>"}, options),
		slog.LevelWarn:  slog.NewTextHandler(prefixed{stderr, "<4>"}, options),
		slog.LevelError: slog.NewTextHandler(prefixed{stderr, "<3>"}, options),
	}}), text.Quoted(""), nothing
}

// journal writes each level through a handler of its own.
type journal struct {
	slog.Handler
	levels map[slog.Level]slog.Handler
}

// Handle passes the record to its level's handler.
func (j journal) Handle(ctx context.Context, r slog.Record) error {
	if h, ok := j.levels[r.Level]; ok {
		return h.Handle(ctx, r)
	}
	return j.Handler.Handle(ctx, r)
}

// WithAttrs gives every level's handler the attributes.
func (j journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup gives every level's handler the group.
func (j journal) WithGroup(name string) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (j journal) each(change func(slog.Handler) slog.Handler) journal {
	levels := map[slog.Level]slog.Handler{}
	for l, h := range j.levels {
		levels[l] = change(h)
	}
	return journal{change(j.Handler), levels}
}

// prefixed puts a priority in front of every line; slog writes one line a call.
type prefixed struct {
	to       io.Writer
	priority string
}

// Write writes the line with its priority.
func (p prefixed) Write(line []byte) (int, error) {
	if _, err := p.to.Write(append([]byte(p.priority), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}
