package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Doors is a link to one receiver that has several portals, in order of preference. A
// door that fails rests for a while, and meanwhile the next one is used. Before a door is
// used again, a question (an empty batch) shows that it works, so that no record is tried
// on a door that may swallow it.
//
// A batch that one door has taken without a word is sent to another. So the portals must
// know of each other's records: only then a repeat is dropped, and an order is not
// fulfilled twice. Portals that do not are two receivers, each with a link of its own.
type Doors struct {
	links []Link

	mu    sync.Mutex
	doors []door
	used  int // which has taken the last batch; -1 before the first
}

// A door is how one of the links is.
type door struct {
	backoff Backoff
	err     error     // nil: it works, as far as is known
	until   time.Time // it rests, or is being asked, until then
}

// A Door is how one portal of several is.
type Door struct {
	Used bool  // it has taken the last batch
	Err  error // why it is not used; nil if nothing is known against it
}

// NewDoors returns a link over links, the preferred one first. Closing it closes them.
func NewDoors(links ...Link) *Doors {
	return &Doors{links: links, doors: make([]door, len(links)), used: -1}
}

// Send delivers a batch through the first door that works. If none does, the error is
// that of every door that was tried.
func (d *Doors) Send(ctx context.Context, batch []Message) (Receipt, error) {
	var heard []OrderState
	var failure error
	open := d.open(time.Now())
	for n, i := range open {
		if n > 0 && ctx.Err() != nil {
			break // the next one is not to blame
		}
		receipt, err := d.within(ctx, len(open)-n, i, batch)
		heard = append(heard, receipt.Orders...)
		switch {
		case err == nil:
			d.works(i)
			receipt.Orders = heard
			return receipt, nil
		case errors.Is(err, ErrRefused), errors.Is(err, ErrClosed), errors.Is(ctx.Err(), context.Canceled):
			return Receipt{}, err // the portal's word on the batch, or the end
		}
		d.fails(i, err, time.Now())
		if failure == nil {
			failure = err
		} else {
			failure = fmt.Errorf("%w; %w", failure, err)
		}
	}
	return Receipt{}, failure
}

// within tries a door for its share of the time: one that keeps silent must leave some to
// those after it.
func (d *Doors) within(ctx context.Context, doors, i int, batch []Message) (Receipt, error) {
	if end, limited := ctx.Deadline(); limited && doors > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(doors))
		defer cancel()
	}
	return d.through(ctx, i, batch)
}

// open returns the doors to try, in order: those that do not rest or, if all do, all of
// them, since the caller has waited already.
func (d *Doors) open(now time.Time) (open []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.doors {
		if !now.Before(d.doors[i].until) {
			open = append(open, i)
		}
	}
	if len(open) > 0 {
		return open
	}
	for i := range d.doors {
		open = append(open, i)
	}
	return open
}

// askedWithin is how long a door that is being asked whether it works is left alone by
// others.
const askedWithin = time.Minute

// through sends a batch through one door. One that has failed is asked first.
func (d *Doors) through(ctx context.Context, i int, batch []Message) (Receipt, error) {
	d.mu.Lock()
	failed := d.doors[i].err != nil
	if failed {
		d.doors[i].until = time.Now().Add(askedWithin)
	}
	d.mu.Unlock()
	var heard []OrderState
	if failed && len(batch) > 0 {
		answer, err := d.links[i].Send(ctx, nil)
		if err != nil {
			return Receipt{}, err
		}
		heard = answer.Orders
	}
	receipt, err := d.links[i].Send(ctx, batch)
	receipt.Orders = append(heard, receipt.Orders...)
	return receipt, err
}

func (d *Doors) works(i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doors[i], d.used = door{}, i
}

func (d *Doors) fails(i int, err error, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := &d.doors[i]
	one.err, one.until = err, now.Add(one.backoff.Next(err))
}

// State returns how each door is.
func (d *Doors) State() []Door {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Door, len(d.doors))
	for i, one := range d.doors {
		all[i] = Door{Used: i == d.used, Err: one.err}
	}
	return all
}

// Close closes all doors.
func (d *Doors) Close() (err error) {
	for _, l := range d.links {
		err = errors.Join(err, l.Close())
	}
	return err
}
