package agent

import (
	"context"
	"errors"
	"net/http"
	"time"

	"meteragent/transport"
)

// A flight is a batch on its way, and what the portal says of it.
type flight struct {
	window *window
	lines  []*line // of its devices
	units  []*unit // in order

	// Written by carry, read after it has returned.
	done     int // units that are answered, from the first on
	refused  map[string]transport.Problem
	orders   []transport.OrderState
	took     time.Duration // by the last send that was answered
	tooLarge int           // bytes of the smallest part that the portal found too large; 0 if none
	err      error         // why the rest is not answered
}

// carry sends the batch. What is refused as a whole is halved until the culprit is
// alone; that one is set aside, so that it never stands in the way of the next, and the
// parts grow again. send delivers one part.
func (f *flight) carry(ctx context.Context, send func(context.Context, []*unit) (transport.Receipt, error)) {
	size, most := len(f.units), len(f.units)
	f.refused = map[string]transport.Problem{}
	for f.done < len(f.units) {
		part := f.units[f.done:min(f.done+size, len(f.units))]
		begin := time.Now()
		receipt, err := send(ctx, part)
		switch {
		case errors.Is(err, transport.ErrRefused) && len(part) > 1:
			size = len(part) / 2
			if tooLarge(err) {
				most, f.tooLarge = size, weight(part)
			}
			continue
		case errors.Is(err, transport.ErrRefused):
			f.refused[part[0].id()] = transport.Problem{Title: "refused by the portal", Detail: err.Error()}
		case err != nil:
			f.err = err
			return
		}
		for _, r := range receipt.Rejected {
			f.refused[r.ID] = r.Problem
		}
		f.orders = append(f.orders, receipt.Orders...)
		f.done += len(part)
		f.took = time.Since(begin)
		size = min(2*size, most)
	}
}

// tooLarge says whether a batch was refused for its size alone.
func tooLarge(err error) bool {
	e, ok := errors.AsType[*transport.Error](err)
	return ok && e.Status == http.StatusRequestEntityTooLarge
}

// weight is the size of all bodies, in bytes.
func weight(units []*unit) (bytes int) {
	for _, u := range units {
		bytes += len(u.Body)
	}
	return bytes
}

// land writes the portal's word on the units. Nothing else looks at them meanwhile.
func (f *flight) land() {
	for _, u := range f.units[:f.done] {
		f.window.answer(u)
		if p, ok := f.refused[u.id()]; ok {
			u.problem = &p
		}
	}
	f.window.free(f.lines)
}
