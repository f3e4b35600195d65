package page

import (
	"cmp"

	"meteragent/agent/text"
)

// alerts are what the devices complain of.
func (v view) alerts() part {
	return given(len(v.status.Alerts) > 0, el("section",
		el("h2", words(v.Say("page.alerts"))),
		el("table",
			cells("th", v.Say("page.order.when"), v.Say("page.order.device"), v.Say("page.alert.what"), ""),
			each(v.status.Alerts, func(a Alert) part {
				return cells("td", v.ago(a.Since), a.Device, a.Say(), v.Say(text.Key("alert.class."+string(a.Class))))
			}))))
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
	return given(len(v.status.Held) > 0, el("section",
		el("h2", words(v.Say("page.held"))),
		el("table",
			cells("th", v.Say("page.order.device"), v.Say("page.order.supply"), v.Say("page.order.why")),
			each(v.status.Held, func(h Held) part {
				return cells("td", h.Device, h.Name, v.Say(text.Key("order.held."+h.Why)))
			}))))
}
