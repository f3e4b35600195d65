package page

import (
	"time"

	"meteragent/agent/alert"
	"meteragent/agent/text"
	"meteragent/agent/toner"
	"meteragent/collector"
)

// Status is what the daemon knows, as "status --json" prints it and /status.json
// serves it. Times are UTC; a zero time means "never".
type Status struct {
	Agent    string    `json:"agent"` // the agent id, a UUID
	Version  string    `json:"version"`
	Customer string    `json:"customer"`
	Site     string    `json:"site"`
	Running  bool      `json:"running"`            // false: read from the database of a stopped daemon
	Started  time.Time `json:"started,omitzero"`   // when the running daemon started
	Now      time.Time `json:"now"`                // when this was put together
	Clock    string    `json:"clock"`              // "synchronised", "unsynchronised", "unknown"
	Problems []string  `json:"problems,omitempty"` // what a technician must look at, in words
	Stream   string    `json:"stream"`             // the database file's stream id
	Database string    `json:"database"`           // its path
	Devices  []Device  `json:"devices"`            // by id
	Portals  []Portal  `json:"portals"`            // by name
	Orders   []Order   `json:"orders"`             // open ones, oldest first
	Held     []Held    `json:"held,omitempty"`     // what is due and not ordered
	Alerts   []Alert   `json:"alerts,omitempty"`   // what was raised and is not over
	Silent   []Silent  `json:"silent,omitempty"`   // addresses that have never answered
	Rejected int       `json:"rejected"`           // records in quarantine
	Store    Store     `json:"store"`
}

// A Store is how full the database is.
type Store struct {
	File         int64     `json:"file"`                  // bytes on disk
	Used         int64     `json:"used"`                  // bytes of them that hold something
	Limit        int64     `json:"limit"`                 // bytes: store.max_bytes
	Commits      uint64    `json:"commits"`               // transactions since the start
	Written      int64     `json:"written"`               // bytes written since the start
	Readings     uint64    `json:"readings"`              // readings stored since the start
	InMemory     int       `json:"inMemory"`              // readings that are not on disk yet
	FailingSince time.Time `json:"failingSince,omitzero"` // the disk cannot be written since then
	Dropped      int       `json:"dropped,omitempty"`     // readings that were ever dropped unsent, for want of room or for their age
	DroppedTo    time.Time `json:"droppedTo,omitzero"`    // time of the newest of them
}

// A Device is one copier and its last reading.
type Device struct {
	ID          string             `json:"id"`
	Model       string             `json:"model"`
	Address     string             `json:"address"` // host:port
	FirstSeen   time.Time          `json:"firstSeen"`
	LastReading time.Time          `json:"lastReading"`
	State       string             `json:"state"`              // "online", "asleep", "silent", "lost", "replaced" (another answers at its address); "known" while the daemon has not asked yet
	Reason      string             `json:"reason,omitempty"`   // why silent
	Conflict    string             `json:"conflict,omitempty"` // host:port at which another device tells the same serial number
	Rival       string             `json:"rival,omitempty"`    // id of another device that answers at this address by turns
	Next        time.Time          `json:"next,omitzero"`      // when it is asked next
	Less        string             `json:"less,omitempty"`     // why it is asked less than configured: "silent", "slow", "asleep", "quiet"
	Traffic     []Day              `json:"traffic,omitempty"`  // of the last days, the oldest first
	Reading     *collector.Reading `json:"reading,omitempty"`
}

// Complaints are sentences about what is wrong with who and where the device is.
func (d Device) Complaints(say *text.Catalogue) (all []string) {
	if d.State == "lost" {
		all = append(all, say.Say("device.lost", "device", d.ID, "time", d.LastReading))
	}
	if d.Conflict != "" {
		all = append(all, say.Say("device.conflict", "device", d.ID, "address", d.Address, "other", d.Conflict))
	}
	if d.Rival != "" {
		all = append(all, say.Say("device.rival", "device", d.ID, "address", d.Address, "other", d.Rival))
	}
	return all
}

// A Day is what one device was asked in a day.
type Day struct {
	Date string `json:"date"` // of this machine's calendar
	collector.Traffic
}

// Today is what the device was asked on the day of a time.
func (d Device) Today(now time.Time) collector.Traffic {
	date := now.Local().Format(time.DateOnly)
	for _, day := range d.Traffic {
		if day.Date == date {
			return day.Traffic
		}
	}
	return collector.Traffic{}
}

// A Rejected is a record that a receiver refused.
type Rejected struct {
	ID      string    `json:"id"`                // <stream>-<lane>-<number>
	Portal  string    `json:"portal"`            // the receiver's name
	Kind    string    `json:"kind"`              // as "reading"
	Device  string    `json:"device,omitempty"`  // its id, if the record is about one
	Made    time.Time `json:"made,omitzero"`     // when the record was made
	At      time.Time `json:"at,omitzero"`       // when it was refused
	Reason  string    `json:"reason"`            // in the receiver's words
	Damaged bool      `json:"damaged,omitempty"` // it cannot be read any more, and only be dropped
}

// A Silent is an address of the configuration that no copier answers at.
type Silent struct {
	Address string    `json:"address"`
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
	Hint    string    `json:"hint,omitempty"` // a key of the text catalogue
}

// A Portal is one destination and what waits for it.
type Portal struct {
	Name      string    `json:"name"`
	URL       string    `json:"url"`               // without what may be secret in it
	Orders    bool      `json:"orders"`            // it gets the orders
	Doors     []Door    `json:"doors,omitempty"`   // if there are several, in order of preference
	Left      bool      `json:"left,omitempty"`    // it is not in the configuration any more; what waits is kept until it is forgotten
	State     string    `json:"state"`             // "connected", "failing"; "idle" before the first delivery
	Urgent    int       `json:"urgent"`            // records waiting in the urgent lane
	Bulk      int       `json:"bulk"`              // records waiting in the bulk lane
	Oldest    time.Time `json:"oldest,omitzero"`   // of what waits
	Delivered uint64    `json:"delivered"`         // records confirmed since the daemon started
	Batches   uint64    `json:"batches"`           // sends since the daemon started
	LastSent  time.Time `json:"lastSent,omitzero"` // last time the portal confirmed something
	LastError string    `json:"lastError,omitempty"`
	Hint      string    `json:"hint,omitempty"`   // a key of the text catalogue
	NextTry   time.Time `json:"nextTry,omitzero"` // while failing
}

// A Door is one of several portals that stand in for one another.
type Door struct {
	URL       string `json:"url"`
	Used      bool   `json:"used"` // the last batch went there
	LastError string `json:"lastError,omitempty"`
}

// An Order is one toner order and what became of it.
type Order struct {
	ID     string       `json:"id"`
	Device string       `json:"device"`
	Model  string       `json:"model"`
	Supply string       `json:"supply"` // the supply's key
	Name   string       `json:"name"`   // its description or colour
	State  string       `json:"state"`  // "suggested", "ordered", "accepted", "shipped", "replaced", "cancelled", "reopened"
	At     time.Time    `json:"at"`
	Why    toner.Reason `json:"why"`
	Part   string       `json:"partNumber,omitempty"`

	Changed  time.Time      `json:"changed"` // when the state was reached
	Evidence toner.Evidence `json:"evidence"`
}

// Held is a supply that is due and not ordered.
type Held struct {
	Device string `json:"device"`
	Supply string `json:"supply"` // the supply's key
	Name   string `json:"name"`   // its description or colour
	Why    string `json:"why"`    // a toner.Hold
}

// An Alert is a complaint of a device that people hear of.
type Alert struct {
	ID     string    `json:"id"`
	Device string    `json:"device"`
	Since  time.Time `json:"since"`
	alert.Condition
}

// An Entry is one line of a device's history.
type Entry struct {
	At       time.Time          `json:"at"`
	Device   string             `json:"device"`
	Model    string             `json:"model"`
	Meters   map[string]int64   `json:"meters"`   // primary meters by PWG name
	Supplies map[string]float64 `json:"supplies"` // measured percents by supply key
}
