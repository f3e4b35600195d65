package transport

import (
	"encoding/json"
	"errors"
	"fmt"
)

// An answer is the portal's word as it stands on the wire, over HTTPS and MQTT
// alike. Results is nil if the portal did not speak of records at all.
type answer struct {
	Results []result     `json:"results"`
	Orders  []OrderState `json:"orders"`
}

type result struct {
	ID      string  `json:"id"`
	Status  string  `json:"status"` // "accepted", "duplicate", "rejected"
	Problem Problem `json:"problem"`
}

// The statuses of a result.
const (
	accepted  = "accepted"
	duplicate = "duplicate"
	rejected  = "rejected"
)

// decodeAnswer reads an answer. Unknown members are left alone, so that portals may
// say more; an unknown status is an error, since it may mean anything.
func decodeAnswer(data []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return answer{}, fmt.Errorf("answer is not the contract's JSON: %w", err)
	}
	named := make(map[string]bool, len(a.Results))
	for _, r := range a.Results {
		switch r.Status {
		case accepted, duplicate, rejected:
		default:
			return answer{}, fmt.Errorf("answer gives record %.100q the unknown status %.100q", r.ID, r.Status)
		}
		if named[r.ID] {
			return answer{}, fmt.Errorf("answer speaks of record %.100q twice", r.ID)
		}
		named[r.ID] = true
	}
	for _, o := range a.Orders {
		if o.ID == "" || o.State == "" {
			return answer{}, errors.New("answer has an order without id or state")
		}
	}
	return a, nil
}

// settle makes the receipt of a batch to which the answer belongs as a whole: what
// the answer does not name is accepted. An answer that names other records is none
// of ours, and settles nothing.
func (a answer) settle(batch []Message) (Receipt, error) {
	r := Receipt{Accepted: len(batch), Orders: a.Orders}
	ours := make(map[string]bool, len(batch))
	for _, m := range batch {
		ours[m.ID()] = true
	}
	for _, result := range a.Results {
		if !ours[result.ID] {
			return Receipt{}, fmt.Errorf("answer speaks of record %.100q, which was not sent", result.ID)
		}
		if result.Status != accepted {
			r.Accepted--
			r.add(result)
		}
	}
	return r, nil
}

// add counts a result, except for an accepted one.
func (r *Receipt) add(result result) {
	switch result.Status {
	case duplicate:
		r.Duplicates++
	case rejected:
		r.Rejected = append(r.Rejected, Rejection{result.ID, result.Problem})
	}
}
