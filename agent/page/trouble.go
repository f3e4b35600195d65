package page

import (
	"cmp"

	"meteragent/agent/text"
)

// alerts are what the devices complain of.
func (v view) alerts() part {
	var rows [][]string
	for _, a := range v.status.Alerts {
		rows = append(rows, []string{v.ago(a.Since), a.Device, a.Say(), v.Say(text.Key("alert.class." + string(a.Class)))})
	}
	heads := []string{v.Say("page.order.when"), v.Say("page.order.device"), v.Say("page.alert.what"), v.Say("page.alert.class")}
	return given(rows != nil, el("section", el("h2", words(v.Say("page.alerts"))), table("facts", heads, rows)))
}

// Say is what a device complains of, in its own words where it has some.
func (a Alert) Say() string {
	what := cmp.Or(a.Description, a.Code)
	if a.Description != "" && a.Code != "" && a.Code != "other" && a.Code != "unknown" {
		what += " (" + a.Code + ")"
	}
	return what
}

// held is what is due and not ordered.
func (v view) held() part {
	var rows [][]string
	for _, h := range v.status.Held {
		rows = append(rows, []string{h.Device, h.Name, v.Say(text.Key("order.held." + h.Why))})
	}
	heads := []string{v.Say("page.order.device"), v.Say("page.order.supply"), v.Say("page.order.why")}
	return given(rows != nil, el("section", el("h2", words(v.Say("page.held"))), table("facts", heads, rows)))
}
