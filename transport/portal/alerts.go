package portal

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const mostAlerts = 1000 // remembered

// An Alert is a complaint of a device that is not over, or a request for a technician.
type Alert struct {
	ID     string    `json:"id"`
	Source string    `json:"source"` // the agent that told
	Device string    `json:"device"`
	Class  string    `json:"class"` // "jam", "service", "other"; "request" by a person
	What   string    `json:"what"`
	At     time.Time `json:"at"`
}

// alert takes both ends of a complaint. The caller holds mu.
func (p *Portal) alert(e Event) {
	var b struct{ Event, ID, Class, Code, Description, Text, Supply string }
	if json.Unmarshal(e.Data, &b) != nil {
		return
	}
	if b.Event == "supplyReplaced" {
		p.replaced(e.Subject, b.Supply)
	}
	if b.ID == "" {
		return
	}
	switch b.Event {
	case "alertRaised", "alertCleared", "technicianRequested":
		p.alerts = slices.DeleteFunc(p.alerts, func(a Alert) bool { return a.Source == e.Source && a.ID == b.ID })
	}
	a := Alert{ID: b.ID, Source: e.Source, Device: e.Subject, Class: b.Class, What: cmp.Or(b.Description, b.Code, b.Text), At: e.Time.UTC()}
	switch b.Event {
	case "technicianRequested":
		a.Class, a.What = "request", b.Text
		p.alerts = append(p.alerts, a)
	case "alertRaised":
		p.alerts = append(p.alerts, a)
	}
	if extra := len(p.alerts) - mostAlerts; extra > 0 {
		p.alerts = slices.Delete(p.alerts, 0, extra)
	}
}

// Alerts returns the complaints that are not over and the requests, oldest first.
func (p *Portal) Alerts() []Alert {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.alerts)
}

func (v view) alerts() part {
	heads := []string{"Since", "Device", "What", "Kind"}
	return list("Complaints and requests", "No copier complains.", heads, v.Alerts, func(a Alert) part {
		return el("tr", cell(when(a.At)), cell(a.Device), el("td", class("text"), says(strings.TrimSpace(a.What))), cell(a.Class))
	})
}
