package collector

import (
	"context"
	"errors"
	"fmt"
)

// The errors a caller may want to tell apart.
var (
	// ErrNoAnswer: nobody answers at the address: it is off, SNMP is off, the
	// community is another, or a firewall is between.
	ErrNoAnswer = errors.New("no answer")
	// ErrNotPrinter: something answers that is no printer, copier or scanner.
	ErrNotPrinter = errors.New("not a printer")
	// ErrMalformed: what answers cannot be understood.
	ErrMalformed = errors.New("malformed answers")
)

// read reads one device into found. A device that fails in the middle has been read
// as far as it went: that is no error, if it has shown to be a printer.
func read(ctx context.Context, s session, scope Scope, found harvest, l *limits) error {
	err := walkAll(ctx, s, spansOf(scope), found, l)
	if err == nil && len(found) == 0 { // hard to believe, so it is asked again
		err = walkAll(ctx, s, spansOf(scope), found, l)
	}
	if err == nil {
		err = walkAll(ctx, s, moreSpansOf(scope, found), found, l)
	}
	if err == nil && !found.isPrinter() {
		err = walkAll(ctx, s, makerSpans(), found, l)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case found.isPrinter():
		return nil
	case err == nil && len(found) == 0:
		return fmt.Errorf("%w: nothing of what was asked for", ErrMalformed)
	case err == nil:
		return fmt.Errorf("%w: it says %q", ErrNotPrinter, plainText(found.first(sysDescr).text, 0))
	case errors.Is(err, errUnruly):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return err
}
