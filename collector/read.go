package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
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

// errOlder is a device that is to be asked in version 1.
var errOlder = errors.New("to be asked in version 1")

// A query is one reading of one device.
type query struct {
	session  session
	scope    Scope
	limits   *limits
	profiles *Profiles
	room     func() *room // to take answers apart in; nil makes one
	found    harvest
	profile  *Profile // nil until one fits
	older    bool     // it is asked in version 2c, and may be asked in version 1 instead
	plan     *plan    // for the next time; nil if there is none
	missing  []string // groups that were not read to the end
	kept     bool     // the reading was made by the plan
	lowered  bool     // and the plan has changed with it
}

// read reads the device in full, which teaches a plan.
func (q *query) read(ctx context.Context) error {
	q.plan = nil
	began := time.Now()
	whole, err := q.readAll(ctx)
	if whole {
		t := telling{harvest: q.found, charset: q.found.charset(), profile: q.profile}
		q.plan = t.learn(began, q.profiles.fingerprint(), *q.limits)
	}
	if q.scope == Supplies {
		maps.DeleteFunc(q.found, func(column string, _ []variable) bool { return onlyFull(column) })
	}
	return err
}

// readAll reads all there is. A device that fails in the middle has been read as far
// as it went: that is no error, if it has shown to be a printer, but not the whole.
func (q *query) readAll(ctx context.Context) (whole bool, err error) {
	q.limits.known, q.limits.mute = q.limits.mute, nil
	err = q.walkAround(ctx)
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, errOlder):
		return false, err
	case q.found.isPrinter():
		q.missing = missing(err, q.scope, q.limits.news())
		if slices.Contains(q.missing, missingDevice) || slices.Contains(q.missing, missingVendor) {
			if (telling{harvest: q.found, profile: q.profile}).device().Serial == "" {
				return false, cmp.Or(err, errSilent) // it would be taken for another device
			}
		}
		return err == nil && len(q.limits.news()) == 0, nil
	case err == nil && len(q.found) == 0:
		return false, fmt.Errorf("%w: nothing of what was asked for", ErrMalformed)
	case err == nil:
		return false, fmt.Errorf("%w: it says %q", ErrNotPrinter, plainText(q.found.first(sysDescr).text, 0))
	case errors.Is(err, errUnruly):
		return false, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return false, err
}

// walkAround asks for what every device may have, then for what this one may have.
func (q *query) walkAround(ctx context.Context) error {
	err := q.walk(ctx, usualSpans())
	if err == nil && len(q.found) == 0 { // hard to believe, so it is asked again
		err = q.walk(ctx, usualSpans())
	}
	if err == nil {
		err = q.walk(ctx, append(moreSpansOf(q.found, q.profile), q.profile.fallbacks(q.found)...))
	}
	_, named := imaging(q.found.first(sysObjectID).text)
	if err == nil && (q.profile == nil && !named || !q.found.isPrinter()) {
		err = q.walk(ctx, makerSpans())
		if err == nil && q.profile == nil {
			var spans []span
			if spans, err = q.choose(q.found); err == nil {
				err = q.walk(ctx, spans)
			}
		}
		if err == nil {
			err = q.walk(ctx, q.profile.fallbacks(q.found))
		}
	}
	return err
}

// walk reads the spans, and those of the profile once the device is known.
func (q *query) walk(ctx context.Context, spans []span) error {
	learn := q.choose
	if q.profile != nil {
		learn = nil
	}
	return walkAll(ctx, q.session, spans, q.found, q.limits, learn)
}

// choose finds the profile of a device and returns what it asks for.
func (q *query) choose(told harvest) ([]span, error) {
	if q.profile = q.profiles.choose(told.evidence()); q.profile == nil {
		return nil, nil
	}
	if q.profile.SNMP.Version == V1.String() && q.older {
		return nil, errOlder
	}
	q.profile.SNMP.apply(q.limits)
	return q.profile.spans(), nil
}
