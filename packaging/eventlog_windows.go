package packaging

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sys/windows/svc/eventlog"
)

// The event log's numbers stay the same for ever, because people filter by them.
const (
	eventEnded   = 1 // the service ended with an error
	eventWarning = 2
	eventError   = 3
)

// EventLog is a handler that writes warnings and errors into the Windows event log, where administrators look first, and what
// closes it. The handler is nil on other systems.
func EventLog() (slog.Handler, func() error, error) {
	log, err := eventlog.Open(Name)
	if err != nil {
		return nil, nil, fmt.Errorf("event log: %w", err)
	}
	options := &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{} // the event log shows both
		}
		return a
	}}
	return events{
		slog.NewTextHandler(entry(func(text string) error { return log.Warning(eventWarning, text) }), options),
		slog.NewTextHandler(entry(func(text string) error { return log.Error(eventError, text) }), options),
	}, log.Close, nil
}

// events gives each record the type that the event log filters by.
type events struct{ warnings, errors slog.Handler }

func (e events) Enabled(ctx context.Context, l slog.Level) bool { return e.warnings.Enabled(ctx, l) }

func (e events) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		return e.errors.Handle(ctx, r)
	}
	return e.warnings.Handle(ctx, r)
}

func (e events) WithAttrs(a []slog.Attr) slog.Handler {
	return events{e.warnings.WithAttrs(a), e.errors.WithAttrs(a)}
}

func (e events) WithGroup(name string) slog.Handler {
	return events{e.warnings.WithGroup(name), e.errors.WithGroup(name)}
}

// entry makes one entry of each write; slog writes a record at once.
type entry func(text string) error

func (e entry) Write(text []byte) (int, error) {
	if err := e(string(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// event writes the service's last words.
func event(cause error) error {
	log, err := eventlog.Open(Name)
	if err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	defer log.Close()
	if err := log.Error(eventEnded, cause.Error()); err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	return nil
}
