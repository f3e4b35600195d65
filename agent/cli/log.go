package cli

import (
	"context"
	"io"
	"log/slog"
	"os"

	"meteragent/agent/config"
)

// openLog makes the log: to a file of its own if the configuration names one, else
// to standard error; under systemd without the time, which the journal adds, and
// with the priority in front (sd-daemon(3)). The second result closes it.
func openLog(c config.Log, stderr io.Writer) (*slog.Logger, func() error, error) {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.File != "" {
		f, err := openLogFile(c.File)
		if err != nil {
			return nil, nil, err
		}
		return slog.New(slog.NewTextHandler(f, options)), f.Close, nil
	}
	nothing := func() error { return nil }
	if os.Getenv("JOURNAL_STREAM") == "" {
		return slog.New(slog.NewTextHandler(stderr, options)), nothing, nil
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
	}}), nothing, nil
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
