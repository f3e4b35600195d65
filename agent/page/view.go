package page

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"

	"meteragent/agent/text"
	"meteragent/collector"
)

// A view shows a status in one language.
type view struct {
	*text.Catalogue
	status Status
	asks   bool // for a technician: only on this machine
}

// page is the whole document.
func (v view) page() part {
	s := v.status
	title := "meteragent"
	if s.Site != "" {
		title += " – " + s.Site
	}
	return v.document(title, el("meta", attr("http-equiv", "refresh"), attr("content", "10")),
		el("header", el("h1", words("meteragent")), v.line("p",
			s.Site, v.Say("page.customer", "number", s.Customer), v.Say("page.version", "version", s.Version))),
		el("main",
			each(s.Problems, problem),
			each(s.Portals, v.portal),
			v.alerts(), v.devices(), v.orders(), v.held(), v.silent()),
		el("footer",
			words(v.Say("page.agent")+" "+s.Agent+" · "+v.Say("page.rejected", "count", s.Rejected)+" · "),
			el("a", attr("href", "/outgoing"), words(v.Say("outgoing.title"))), words(" · "),
			el("a", attr("href", "/status.json"), words("status.json")), words(" · "),
			el("a", attr("href", "/metrics"), words("metrics"))))
}

// further is a page that the first one leads to, and that leads back.
func (v view) further(title string, body ...part) part {
	return v.document(title, all(),
		el("header", el("h1", words(title))),
		el("main", all(body...),
			el("p", el("a", attr("href", "/?lang="+string(v.Lang())), words(v.Say("page.back"))))))
}

// document is a whole page.
func (v view) document(title string, meta part, body ...part) part {
	return el("html", attr("lang", string(v.Lang())),
		el("head",
			el("meta", attr("charset", "utf-8")),
			el("meta", attr("name", "viewport"), attr("content", "width=device-width, initial-scale=1")),
			meta,
			el("title", words(title)),
			el("link", attr("rel", "stylesheet"), attr("href", "/page.css"))),
		el("body", body...))
}

// line puts what is not empty into one element.
func (v view) line(tag string, parts ...string) part {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return el(tag, words(strings.Join(kept, " · ")))
}

func problem(said string) part { return given(said != "", el("p", class("problem"), words(said))) }

func (v view) hint(key string) part {
	return given(key != "", el("p", class("hint"), words(v.Say(text.Key(key)))))
}

func (v view) portal(p Portal) part {
	state := v.Say("page.portal.idle")
	switch p.State {
	case "failing":
		state = v.Say("page.portal.failing")
	case "connected":
		state = v.Say("page.portal.connected")
	}
	fact := func(name, value string) part { return all(el("dt", words(name)), el("dd", words(value))) }
	return el("section", class("portal "+p.State),
		el("h2", words(v.Say("page.portal")+named(p))),
		el("p", class("big"), words(state)),
		el("p", words(p.URL)),
		el("dl",
			fact(v.Say("page.portal.confirmed"), v.Number(int64(p.Delivered))),
			fact(v.Say("page.portal.waiting"), fmt.Sprintf("%d + %d", p.Urgent, p.Bulk)),
			fact(v.Say("page.portal.last"), v.ago(p.LastSent))),
		problem(p.LastError), v.hint(p.Hint),
		each(p.Doors, v.door))
}

// named is the name of a portal that is not simply called so.
func named(p Portal) string {
	if p.Name == "portal" {
		return ""
	}
	return " " + p.Name
}

// door is one of several portals that stand in for one another.
func (v view) door(d Door) part {
	said := d.URL
	if d.Used {
		said += " · " + v.Say("page.door.used")
	}
	return all(el("p", words(said)), problem(d.LastError))
}

func (v view) devices() part {
	return el("section",
		el("h2", words(v.Say("page.devices"))),
		given(len(v.status.Devices) == 0, el("p", words(v.Say("page.devices.none")))),
		el("div", class("devices"), each(v.status.Devices, v.device)))
}

func (v view) device(d Device) part {
	silent, less, number, console := "", "", "", []string(nil)
	if d.Less != "" {
		less = v.Say(text.Key("less."+d.Less), "next", d.Next)
	}
	if d.State == "silent" {
		silent = v.Say("page.device.silent")
	}
	if t := total(d.Reading); t != nil {
		number = v.Number(*t)
	}
	if d.Reading != nil {
		console = d.Reading.Status.Console
	}
	return el("article", class(d.State),
		el("h3", el("a", attr("href", "/device?device="+url.QueryEscape(d.ID)), words(d.ID))),
		v.line("p", d.Model, d.Address),
		given(number != "", el("p", class("big"), words(number+" "), el("small", words(v.Say("page.device.total"))))),
		v.line("p", v.Say("page.device.read", "when", v.ago(d.LastReading)), silent),
		v.line("p", v.traffic(d), less),
		problem(d.Reason),
		each(d.Complaints(v.Catalogue), problem),
		given(v.asks, el("p", el("a", attr("href", "/request?device="+url.QueryEscape(d.ID)), words(v.Say("page.request"))))),
		each(consumables(d.Reading), v.supply),
		each(console, func(line string) part {
			return given(line != "", el("p", class("console"), words(line)))
		}))
}

// traffic says what the device was asked today.
func (v view) traffic(d Device) string {
	today := d.Today(v.status.Now)
	return v.Say("page.traffic", "count", today.Requests, "bytes", v.Bytes(today.Sent+today.Received))
}

// consumables are the supplies without the waste boxes.
func consumables(r *collector.Reading) []collector.Supply {
	if r == nil {
		return nil
	}
	var out []collector.Supply
	for _, s := range r.Supplies {
		if s.Class != "receptacleThatIsFilled" {
			out = append(out, s)
		}
	}
	return out
}

// supply draws one level as a bar, if it is a percentage.
func (v view) supply(s collector.Supply) part {
	name := v.supplyWords(s)
	colour, low, level, width := "other", "", v.Say(text.Key("level."+string(s.Level.Kind))), ""
	switch s.Colorant {
	case "black", "cyan", "magenta", "yellow":
		colour = s.Colorant
	}
	if p := s.Level.Percent; p != nil {
		width = fmt.Sprintf("%.0f%%", *p)
		level = v.Decimal(*p) + " %"
		if *p < 15 {
			low = " low"
		}
	}
	return el("div", class("supply"+low),
		el("span", attr("title", s.Description), words(name)),
		given(width == "", el("span")),
		given(width != "", el("svg", attr("role", "img"), attr("aria-label", name+" "+level),
			el("rect", class("track"), attr("width", "100%"), attr("height", "100%")),
			el("rect", class(colour), attr("width", width), attr("height", "100%")))),
		el("span", class("value"), words(level)))
}

// supplyWords names a supply by its colour and type, in the words of people. A word that is not
// in the catalogue, a maker's own colour for example, stays as it is.
func (v view) supplyWords(s collector.Supply) string {
	in := func(word string) string {
		for pair := range strings.SplitSeq(v.Say("page.supply.words"), "; ") {
			if of, said, _ := strings.Cut(pair, "="); of == word {
				return said
			}
		}
		return word
	}
	return strings.TrimSpace(v.Say("page.supply", "colour", in(s.Colorant), "type", in(s.Type)))
}

// table has a row of heads and further ones. On a narrow screen a table of facts shows
// each cell below the other, beside its head.
func table(kind string, heads []string, rows [][]string) part {
	return el("table", class(kind),
		el("thead", el("tr", each(heads, func(s string) part { return el("th", attr("scope", "col"), words(s)) }))),
		el("tbody", each(rows, func(row []string) part {
			return el("tr", func(n *html.Node) {
				for i, s := range row {
					el("td", attr("data-label", heads[i]), words(s))(n)
				}
			})
		})))
}

func (v view) orders() part {
	var rows [][]string
	for _, o := range v.status.Orders {
		rows = append(rows, []string{v.ago(o.At), o.Device, o.Name, o.Why.Say(v.Catalogue), v.Say(text.Key("order.state." + o.State))})
	}
	heads := []string{v.Say("page.order.when"), v.Say("page.order.device"), v.Say("page.order.supply"), v.Say("page.order.why"), v.Say("page.order.state")}
	return el("section",
		el("h2", words(v.Say("page.orders"))),
		given(rows == nil, el("p", words(v.Say("page.orders.none")))),
		given(rows != nil, table("facts", heads, rows)))
}

func (v view) silent() part {
	return given(len(v.status.Silent) > 0, el("section",
		el("h2", words(v.Say("page.silent"))),
		el("table", each(v.status.Silent, func(s Silent) part {
			return el("tr", el("td", words(s.Address)), el("td", words(s.Reason), v.hint(s.Hint)))
		}))))
}

// total is the primary total of a reading; nil if the device told none.
func total(r *collector.Reading) *int64 {
	if r == nil {
		return nil
	}
	for _, m := range r.Meters {
		if m.Primary && m.Name == "systemTotals.impressions.total" {
			return &m.Value
		}
	}
	return nil
}

// ago says how long before the status was put together t was.
func (v view) ago(t time.Time) string {
	since := v.status.Now.Sub(t)
	switch {
	case t.IsZero():
		return v.Say("page.never")
	case since < 2*time.Second:
		return v.Say("page.now")
	}
	return v.Say("page.ago", "time", since.Truncate(time.Second))
}
