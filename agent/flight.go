package agent

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"meteragent/store"
	"meteragent/transport"
)

// A flight is a batch on its way, and what the portal says of it.
type flight struct {
	window *window
	lines  []*line // of its devices
	units  []*unit // in order
	bytes  int     // of the bodies of one part

	// Used by carry, read after it has returned.
	text     []byte // the bodies of the part that was sent last
	done     int    // units that are answered, from the first on
	refused  map[string]transport.Problem
	orders   []transport.OrderState
	took     time.Duration // by the last send that was answered
	tooLarge int           // bytes of the smallest part that the portal found too large; 0 if none
	err      error         // why the rest is not answered
}

// carry sends the batch. What is refused as a whole is halved until the culprit is
// alone; that one is set aside, so that it never stands in the way of the next, and the
// parts grow again. send delivers one part.
func (f *flight) carry(ctx context.Context, send func(context.Context, []store.Record) (transport.Receipt, error)) {
	size, most := len(f.units), len(f.units)
	f.refused = map[string]transport.Problem{}
	for f.done < len(f.units) {
		part, n := f.part(size)
		if len(part) == 0 {
			f.done += n
			continue
		}
		begin := time.Now()
		receipt, err := send(ctx, part)
		switch {
		case errors.Is(err, transport.ErrRefused) && n > 1:
			size = n / 2
			if tooLarge(err) {
				most, f.tooLarge = size, len(f.text)
			}
			continue
		case errors.Is(err, transport.ErrRefused):
			f.refused[f.units[f.done].id()] = transport.Problem{Title: "refused by the portal", Detail: err.Error()}
		case err != nil:
			f.err = err
			return
		}
		for _, r := range receipt.Rejected {
			f.refused[r.ID] = r.Problem
		}
		f.orders = append(f.orders, receipt.Orders...)
		f.done += n
		f.took = time.Since(begin)
		size = min(2*size, most)
	}
}

// part unpacks the next units, at most so many, and no more than what a part may have, but
// always one. It returns those that can be sent, and how many it looked at.
func (f *flight) part(size int) (records []store.Record, n int) {
	units := f.units[f.done:min(f.done+size, len(f.units))]
	f.text = slices.Grow(f.text[:0], weight(units, f.bytes))
	for _, u := range units {
		begin := len(f.text)
		text, err := u.AppendBody(f.text)
		if n > 0 && len(text) > f.bytes {
			break
		}
		n++
		f.text = text
		if u.damaged = err != nil; !u.damaged {
			r := u.Record
			r.Body = text[begin:len(text):len(text)]
			records = append(records, r)
		}
	}
	return records, n
}

// tooLarge says whether a batch was refused for its size alone.
func tooLarge(err error) bool {
	e, ok := errors.AsType[*transport.Error](err)
	return ok && e.Status == http.StatusRequestEntityTooLarge
}

// weight is the size of all bodies, in bytes, but not much more than most.
func weight(units []*unit, most int) (bytes int) {
	for _, u := range units {
		if bytes += u.Size(); bytes > most {
			break
		}
	}
	return bytes
}

// land writes the portal's word on the units. Nothing else looks at them meanwhile.
func (f *flight) land() {
	for _, u := range f.units[:f.done] {
		f.window.answer(u)
		if len(f.refused) == 0 {
			continue
		}
		if p, ok := f.refused[u.id()]; ok {
			u.problem = &p
		}
	}
	f.window.free(f.lines)
}
