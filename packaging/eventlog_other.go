//go:build !windows

package packaging

import "log/slog"

// EventLog is a handler that writes warnings and errors into the Windows event log, where administrators look first, and what
// closes it. The handler is nil on other systems.
func EventLog() (slog.Handler, func() error, error) {
	return nil, func() error { return nil }, nil
}
