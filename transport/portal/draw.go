package portal

import (
	"fmt"
	"strconv"
)

// page is the whole document.
func (v view) page() part {
	return el("html", attr("lang", "en"),
		el("head",
			el("meta", attr("charset", "utf-8")),
			el("meta", attr("name", "viewport"), attr("content", "width=device-width, initial-scale=1")),
			el("meta", attr("http-equiv", "refresh"), attr("content", "5")),
			el("title", says("Portal: "+number(v.Counts.Received)+" received")),
			el("link", attr("rel", "stylesheet"), attr("href", "style.css"))),
		el("body",
			v.header(),
			el("main", v.counts(), v.devices(), v.orders(), v.alerts(), v.events()),
			el("footer", class("quiet"), says("Everything as JSON: "), el("a", attr("href", "received.json"), says("received.json")))))
}

func (v view) header() part {
	state, colour := "open", "state good"
	if v.Down {
		state, colour = "down: every batch is turned away", "state bad"
	}
	return el("header",
		el("h1", says("Portal")),
		el("p", class(colour), says(state)),
		el("p", class("quiet"), says(clock(v.Now)+" UTC")))
}

func (v view) counts() part {
	count := func(n any, what string, bad bool) part {
		return el("p", given(bad, class("bad")), el("b", says(number(n))), says(" "+what))
	}
	return el("section", class("counts"), attr("aria-label", "Counts"),
		count(v.Counts.Received, "received", false),
		count(v.Counts.Repeats, "repeats dropped", false),
		count(v.Counts.Refused, "refused", v.Counts.Refused > 0),
		count(v.Missing, "missing", v.Missing > 0),
		count(len(v.Devices), plural(len(v.Devices), "device"), false),
		count(v.Agents, plural(v.Agents, "agent"), false))
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func quiet(text string) part { return el("p", class("quiet"), says(text)) }

func (v view) devices() part {
	return el("section",
		el("h2", says("Devices")),
		given(len(v.Devices) == 0, quiet("No reading has arrived yet. An agent sends the first one after it has found a copier.")),
		el("div", class("devices"), each(v.Devices, device.card)))
}

func (d device) card() part {
	about := d.Manufacturer + " " + d.Model
	if d.Location != "" {
		about += " · " + d.Location
	}
	if d.Customer != "" {
		about += " · customer " + d.Customer
	}
	read := "read " + when(d.TakenAt)
	if d.Printer != "" {
		read += " · " + d.Printer
	}
	return el("article",
		el("h3", says(d.ID)),
		quiet(about),
		el("p", class("total"), says(number(d.Total)+" "), el("span", class("quiet"), says("impressions"))),
		given(len(d.Supplies) > 0, el("ul", class("supplies"), each(d.Supplies, supply.row))),
		given(len(d.Errors) > 0, el("p", class("errors"), each(d.Errors, func(e string) part {
			return all(el("span", says(e)), says(" "))
		}))),
		quiet(read))
}

func (s supply) row() part {
	bar := "bar"
	if s.Level.Percent == nil {
		bar = "bar none"
	}
	return el("li", given(s.Low(), class("low")),
		el("span", says(s.Name())),
		el("svg", class(bar), attr("role", "img"), attr("aria-label", s.Name()+": "+s.Text()),
			given(s.Level.Percent != nil, el("rect", class(s.Ink()),
				attr("width", strconv.FormatFloat(s.Width(), 'f', -1, 64)+"%"), attr("height", "100%")))),
		el("span", class("level"), says(s.Text())))
}

// list is a table, or a sentence if there is nothing in it.
func list[T any](title, none string, heads []string, rows []T, row func(T) part) part {
	if len(rows) == 0 {
		return el("section", el("h2", says(title)), quiet(none))
	}
	return el("section",
		el("h2", says(title)),
		el("div", class("wide"), el("table",
			el("thead", el("tr", each(heads, func(h string) part { return el("th", says(h)) }))),
			el("tbody", each(rows, row)))))
}

func cell(text string) part { return el("td", says(text)) }

func (v view) orders() part {
	heads := []string{"Ordered", "Device", "Supply", "Why", "State"}
	return list("Orders", "Nothing has been ordered.", heads, v.Orders, func(o Order) part {
		what := o.Supply
		if o.Level != "" {
			what += " · " + o.Level
		}
		return el("tr", cell(when(o.At)), cell(o.Device), cell(what),
			el("td", class("text"), says(o.Reason)),
			el("td", el("span", class("state "+o.State), says(o.State))))
	})
}

func (v view) events() part {
	heads := []string{"Arrived", "Kind", "Device", "What", "Number", "Over"}
	return list("Last events", "Nothing has arrived.", heads, v.Events, func(e Event) part {
		return el("tr", cell(clock(e.ReceivedAt)), cell(e.Kind()), cell(e.Subject),
			el("td", class("text"), says(e.Brief())),
			cell(fmt.Sprintf("%s %d", e.Lane, e.Seq)), cell(e.Via))
	})
}
