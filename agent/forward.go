package agent

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"meteragent/store"
	"meteragent/transport"
)

// Limits of one send.
const (
	batchRecords = 100
	batchBytes   = 100 << 10 // with its envelopes within what MQTT brokers in the cloud take
	sendWithin   = time.Minute
	linger       = 500 * time.Millisecond // readings of one round travel together
	lastFlush    = 5 * time.Second        // what a stop may take to deliver what waits
)

// A forwarder brings what the store keeps to one output, urgent before bulk, in
// order, and lets go of a record only when that has said what became of it.
type forwarder struct {
	agent   *Agent
	to      Output
	limit   int // records in the next batch; halved by refusals, doubled by success
	backoff transport.Backoff
}

func newForwarder(a *Agent, to Output) *forwarder {
	return &forwarder{agent: a, to: to, limit: batchRecords}
}

// run delivers until ctx ends, then once more for as long as lastFlush.
func (f *forwarder) run(ctx context.Context) {
	for ctx.Err() == nil {
		sent, err := f.deliver(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			f.wait(ctx, f.failed(err), nil)
		case sent == 0:
			f.wait(ctx, time.Minute, f.agent.wakes[f.to.Name])
			f.gather(ctx)
		}
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	if err := f.drain(flush); err != nil {
		f.agent.log.Info("what waits is delivered at the next start", "dest", f.to.Name, "err", err)
	}
}

// wait ends after d, with ctx, or when wake is kicked.
func (f *forwarder) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	f.agent.health.pulse("forward "+f.to.Name, d+2*sendWithin)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// gather waits a moment for more readings, unless something urgent is there.
func (f *forwarder) gather(ctx context.Context) {
	urgent, err := f.agent.store.Pending(f.to.Name, store.Urgent, 1, 1)
	if err == nil && len(urgent) == 0 {
		f.wait(ctx, linger, nil)
	}
}

// drain delivers until nothing waits.
func (f *forwarder) drain(ctx context.Context) error {
	for {
		if sent, err := f.deliver(ctx); err != nil || sent == 0 {
			return err
		}
	}
}

// deliver sends one batch and returns how many records it settled.
func (f *forwarder) deliver(ctx context.Context) (int, error) {
	for _, lane := range []string{store.Urgent, store.Bulk} {
		records, err := f.agent.store.Pending(f.to.Name, lane, f.limit, batchBytes)
		if err != nil {
			return 0, err
		}
		if len(records) > 0 {
			return f.send(ctx, records)
		}
	}
	return 0, nil
}

// send delivers records of one lane. A batch that is refused as a whole is halved
// until the culprit is alone; that one goes to quarantine, so that it never stands
// in the way of the next.
func (f *forwarder) send(ctx context.Context, records []store.Record) (int, error) {
	messages := f.messages(records)
	if len(messages) == 0 {
		pass := func(tx *store.Tx) error { return tx.Settle(f.to.Name, records, nil) }
		return len(records), f.agent.store.Update(pass)
	}
	within, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	f.agent.health.pulse("forward "+f.to.Name, 2*sendWithin)
	receipt, err := f.to.Link.Send(within, messages)
	switch {
	case errors.Is(err, transport.ErrRefused) && len(records) > 1:
		f.limit = len(records) / 2
		return f.send(ctx, records[:f.limit])
	case errors.Is(err, transport.ErrRefused):
		problem := transport.Problem{Title: "refused by the portal", Detail: err.Error()}
		receipt = transport.Receipt{Rejected: []transport.Rejection{{ID: messages[0].ID(), Problem: problem}}}
	case errors.Is(err, transport.ErrNoReceipt):
		// A broker drops what is too large for it without a word: try less at a time.
		f.limit = max(1, len(records)/2)
		return 0, err
	case err != nil:
		return 0, err
	}
	f.limit = min(2*f.limit, batchRecords)
	return len(records), f.settle(records, receipt)
}

// messages are those of the records that go to this output.
func (f *forwarder) messages(records []store.Record) []transport.Message {
	all := make([]transport.Message, 0, len(records))
	for _, r := range records {
		if f.to.takes(r.Kind) {
			all = append(all, f.agent.time.message(r))
		}
	}
	return all
}

// settle writes down what the portal said, then tells whoever watches.
func (f *forwarder) settle(sent []store.Record, receipt transport.Receipt) error {
	a := f.agent
	rejected, err := rejections(sent, receipt.Rejected)
	if err != nil {
		return err
	}
	err = a.store.Update(func(tx *store.Tx) error {
		if f.to.Orders { // nobody else has a say in them
			if err := applyOrderStates(tx, receipt.Orders, time.Now().UTC()); err != nil {
				return err
			}
		}
		return tx.Settle(f.to.Name, sent, rejected)
	})
	if err != nil {
		return err
	}
	f.backoff.Reset()
	for _, r := range receipt.Rejected {
		a.log.Error("the portal refused a record", "dest", f.to.Name, "record", r.ID, "reason", r.Problem.Title, "err", r.Problem.Detail)
	}
	if outage := a.health.sent(f.to.Name, len(sent)-len(rejected)); outage > 0 {
		a.log.Info("delivery works again", "dest", f.to.Name, "took", outage)
		a.notice(Notice{What: DeliveryBack, Output: f.to.Name, Took: outage})
	}
	a.notice(Notice{What: Delivered, Output: f.to.Name, Count: len(sent) - len(rejected)})
	return nil
}

// failed says once why nothing is delivered and how long to wait for the next try.
func (f *forwarder) failed(err error) time.Duration {
	a := f.agent
	wait := f.backoff.Next(err)
	if a.health.failed(f.to.Name, err, wait) {
		a.log.Warn("delivery fails; everything is kept", "dest", f.to.Name, "err", err, "next", wait.Round(time.Millisecond), "hint", hint(err))
		a.notice(Notice{What: DeliveryFailing, Output: f.to.Name, Err: err})
	}
	return wait
}

// rejections finds the records a receipt rejects. What it says of records that were
// not sent is passed over.
func rejections(sent []store.Record, rejected []transport.Rejection) ([]store.Rejection, error) {
	if len(rejected) == 0 {
		return nil, nil
	}
	byID := make(map[string]store.Record, len(sent))
	for _, r := range sent {
		byID[transport.Message{Stream: r.Stream, Lane: r.Lane, Seq: r.Seq}.ID()] = r
	}
	var out []store.Rejection
	for _, r := range rejected {
		record, ok := byID[r.ID]
		if !ok {
			continue
		}
		reason, err := json.Marshal(r.Problem)
		if err != nil {
			return nil, err
		}
		out = append(out, store.Rejection{Record: record, Reason: reason})
	}
	return out, nil
}
