package portal

import (
	"encoding/json"
	"fmt"
	"time"

	"meteragent/transport"
)

// totalMeter is the meter that must never go back.
const totalMeter = "systemTotals.impressions.total"

// mostDevices bounds the devices remembered.
const mostDevices = 10000

type deviceKey struct{ customer, id string }

// A device is what the page shows of a copier: its latest reading.
type device struct {
	ID, Customer, Manufacturer, Model, Location, Printer string

	Total    *int64 // impressions; nil if no reading had it
	TotalAt  time.Time
	TakenAt  time.Time
	Errors   []string
	Supplies []supply
}

// A supply is one row of a reading's supplies.
type supply struct {
	Description string `json:"description"`
	Class       string `json:"class"`
	Type        string `json:"type"`
	Colorant    string `json:"colorant"`
	Level       struct {
		Kind    string   `json:"kind"`
		Percent *float64 `json:"percent"`
	} `json:"level"`
}

// readingBody is what the portal needs of meteragent.reading.v1.
type readingBody struct {
	Device struct {
		ID           string `json:"id"`
		Manufacturer string `json:"manufacturer"`
		Model        string `json:"model"`
		Location     string `json:"location"`
	} `json:"device"`
	TakenAt time.Time `json:"takenAt"`
	Meters  []struct {
		Name    string `json:"name"`
		Value   *int64 `json:"value"`
		Primary bool   `json:"primary"`
	} `json:"meters"`
	Supplies []supply `json:"supplies"`
	Status   struct {
		Printer string   `json:"printer"`
		Errors  []string `json:"errors"`
	} `json:"status"`
}

// total returns the life total; nil if the reading has none.
func (r readingBody) total() *int64 {
	for _, m := range r.Meters {
		if m.Name == totalMeter && m.Primary {
			return m.Value
		}
	}
	return nil
}

// reading takes a reading, or says why not. One that was taken before the last one
// and arrives late is taken, and changes nothing on the page. The caller holds mu.
func (p *Portal) reading(e Event) *transport.Problem {
	var r readingBody
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return broken("reading cannot be read: %v", err)
	}
	if r.TakenAt.IsZero() {
		return broken("takenAt is missing")
	}
	key := deviceKey{e.Customer, e.Subject}
	d := p.devices[key]
	if d == nil {
		d = &device{ID: e.Subject, Customer: e.Customer}
	}
	total := r.total()
	if total != nil && d.Total != nil && *total < *d.Total && !r.TakenAt.Before(d.TotalAt) {
		return lower(e.Subject, *total, d)
	}
	if r.TakenAt.Before(d.TakenAt) {
		return nil
	}
	if p.devices[key] == nil {
		if len(p.devices) >= mostDevices {
			delete(p.devices, oldest(p.devices, func(d *device) time.Time { return d.TakenAt }))
		}
		p.devices[key] = d
	}
	if total != nil {
		d.Total, d.TotalAt = total, r.TakenAt
	}
	d.Manufacturer, d.Model, d.Location = r.Device.Manufacturer, r.Device.Model, r.Device.Location
	d.TakenAt, d.Printer, d.Errors = r.TakenAt.UTC(), r.Status.Printer, r.Status.Errors
	if len(r.Supplies) > 0 {
		d.Supplies = r.Supplies
	}
	return nil
}

func lower(id string, total int64, last *device) *transport.Problem {
	return &transport.Problem{
		Type:      problems + transport.LowerThanLast,
		Title:     "Reading is lower than the last one",
		Status:    422,
		Detail:    fmt.Sprintf("%s of %s is %d; it was %d on %s", totalMeter, id, total, *last.Total, last.TotalAt.Format(time.RFC3339)),
		Meter:     totalMeter,
		LastValue: last.Total,
	}
}
