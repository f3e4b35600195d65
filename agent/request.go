package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"meteragent/store"
)

// Why a technician is not asked for.
var (
	ErrNoDevice    = errors.New("no such device")
	ErrNoWords     = errors.New("nobody says what is wrong")
	ErrTooLong     = errors.New("the text is longer than 500 characters")
	ErrTooMany     = errors.New("five requests for one device within a day are enough")
	errSameRequest = errors.New("it was asked for already")
)

const (
	longestRequest = 500 // characters
	mostRequests   = 5   // of one device within a day
)

// A Request asks for a technician. Its JSON is the body of an alert record.
type Request struct {
	Event  string    `json:"event"` // "technicianRequested"
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Device string    `json:"device"` // identity
	Model  string    `json:"model"`
	Text   string    `json:"text"` // what a person wrote
}

// technicianRequested is the event of a Request.
const technicianRequested = "technicianRequested"

// isRequest says whether the body of an urgent alert asks for a technician.
func isRequest(text []byte) bool {
	var body struct{ Event string }
	return json.Unmarshal(text, &body) == nil && body.Event == technicianRequested
}

// Request asks for a technician, in the urgent lane. The same words for the same device
// within a day are the same request, which is returned and not sent again.
func (m Memory) Request(device, text string, now time.Time) (r Request, err error) {
	text = strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(text, " ")))
	switch {
	case text == "":
		return r, ErrNoWords
	case utf8.RuneCountInString(text) > longestRequest:
		return r, ErrTooLong
	}
	err = m.Store.Update(func(tx *store.Tx) error {
		device = strings.TrimSpace(device)
		var d Device
		known, err := tx.Get(devices, device, &d)
		if !known && err == nil {
			known, err = tx.Get(devices, strings.ToUpper(device), &d)
		}
		if err != nil {
			return err
		}
		if !known {
			return ErrNoDevice
		}
		r = Request{Event: technicianRequested, ID: uuid.NewString(), At: now.UTC().Truncate(time.Millisecond), Device: d.Device.ID, Model: d.Device.Model, Text: text}
		var before, recent []Request
		if _, err := tx.Get(requests, r.Device, &before); err != nil {
			return err
		}
		for _, b := range before {
			if age := r.At.Sub(b.At).Abs(); age >= 24*time.Hour {
				continue
			}
			if b.Text == r.Text {
				r = b
				return errSameRequest
			}
			recent = append(recent, b)
		}
		if len(recent) >= mostRequests {
			return ErrTooMany
		}
		if err := tx.Put(requests, r.Device, append(recent, r)); err != nil {
			return err
		}
		return appendBody(tx, store.Urgent, kindAlert, r.Device, r.At, r)
	})
	switch {
	case errors.Is(err, errSameRequest):
		return r, nil
	case err != nil:
		return r, fmt.Errorf("technician for %q: %w", device, err)
	}
	return r, nil
}

// Request asks for a technician at once.
func (a *Agent) Request(device, text string) (Request, error) {
	now, _, _ := a.time.now()
	r, err := a.Memory().Request(device, text, now)
	a.kick()
	return r, err
}

// printable keeps line ends and replaces what does not print.
func printable(c rune) rune {
	if c == '\n' || unicode.IsPrint(c) {
		return c
	}
	return ' '
}
