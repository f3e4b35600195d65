package config

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"meteragent/agent/text"
	"meteragent/collector"
)

// settings reads the whole file. This is where every setting, its bounds and its
// checks stand.
func (r *reader) settings(c *Config) {
	root := section{r, nil}.opened(r.root)
	customer := root.text("customer", &c.Customer)
	root.required("customer", c.Customer, customer)
	root.text("site", &c.Site)
	seen := map[string]*node{}
	c.Portals = root.portals(seen)
	if inTopics(c.Portals) && strings.ContainsAny(c.Customer, "/+#") {
		r.add(customer, Problem{Reason: text.Key("config.topic")})
	}
	root.section("privacy").privacy(&c.Privacy)
	networks := root.sections("network")
	if n := root.n.keys["network"]; n == nil || n.kind == list && len(n.items) == 0 {
		r.add(&node{key: "network"}, Problem{Reason: text.Key("config.required")})
	}
	for _, s := range networks {
		c.Networks = append(c.Networks, s.network(seen))
	}
	poll := root.section("poll")
	leastMeters, leastSupplies := 15*time.Minute, 5*time.Minute
	if simulated(c.Networks) {
		leastMeters, leastSupplies = time.Second, time.Second
	}
	poll.duration("meters", &c.Poll.Meters, leastMeters, 24*time.Hour)
	poll.duration("supplies", &c.Poll.Supplies, leastSupplies, 24*time.Hour)
	poll.number("parallel", &c.Poll.Parallel, 1, 64)
	poll.duration("timeout", &c.Poll.Timeout, 500*time.Millisecond, 30*time.Second)
	poll.number("rate", &c.Poll.Rate, 10, 1000)
	poll.hours("quiet", &c.Poll.Quiet)
	poll.truth("wake", &c.Poll.Wake)
	discovery := root.section("discovery")
	discovery.duration("every", &c.Discovery.Every, time.Hour, 30*24*time.Hour)
	discovery.number("rate", &c.Discovery.Rate, 1, 1000)
	discovery.duration("lost_after", &c.Discovery.LostAfter, 24*time.Hour, 365*24*time.Hour)
	discovery.truth("mdns", &c.Discovery.MDNS)
	discovery.truth("broadcast", &c.Discovery.Broadcast)
	root.section("toner").toner(&c.Toner, seen)
	root.ordersTo(c)
	for _, s := range root.sections("device") {
		c.Devices = append(c.Devices, s.device(seen))
	}
	root.section("page").listen("listen", &c.Page.Listen)
	store := root.section("store")
	store.path("folder", &c.Store.Folder)
	store.size("max_bytes", &c.Store.MaxBytes, 16_000_000, 64_000_000_000)
	store.duration("max_age", &c.Store.MaxAge, 24*time.Hour, 3650*24*time.Hour)
	root.section("update").update(&c.Update, simulated(c.Networks))
	log := root.section("log")
	level := strings.ToLower(c.Log.Level.String())
	log.choice("level", &level, "debug", "info", "warn", "error")
	_ = c.Log.Level.UnmarshalText([]byte(level)) // one of the four, so it cannot fail
	log.path("file", &c.Log.File)
}

func (s section) update(u *Update, simulated bool) {
	if n := s.text("url", &u.URL); n != nil && u.URL != "" {
		if scheme := s.url(n, u.URL); scheme != "" && !isHTTP(scheme) {
			s.add(n, Problem{Reason: text.Key("config.url"), Allowed: []string{"https://"}})
		}
	}
	s.existing("root", &u.Root)
	automatic := s.truth("automatic", &u.Automatic)
	if u.Automatic && (u.URL == "" || u.Root == "") {
		s.add(automatic, Problem{Reason: text.Key("config.pair"), Allowed: []string{"update.url", "update.root"}})
	}
	least := 15 * time.Minute
	if simulated {
		least = time.Second
	}
	s.duration("every", &u.Every, least, 30*24*time.Hour)
	s.duration("probation", &u.Probation, least, 7*24*time.Hour)
}

func (s section) privacy(p *Privacy) {
	s.truth("name", &p.Name)
	s.truth("location", &p.Location)
	s.truth("contact", &p.Contact)
	s.truth("address", &p.Address)
	s.truth("mac", &p.MAC)
	s.truth("console", &p.Console)
}

func (s section) network(seen map[string]*node) Network {
	network := DefaultNetwork()
	for _, n := range s.addresses() {
		if s.once(seen, "address "+strings.ToLower(n.text), n) {
			network.Addresses = append(network.Addresses, n.text)
		}
	}
	s.exclude(&network.Exclude)
	s.secret("community", &network.Community)
	s.choice("version", &network.Version, "auto", "1", "2c")
	network.Users = s.users()
	if len(network.Users) > 0 && s.n.keys["community"] == nil {
		network.Community = "" // nobody asked for less security
	}
	port := int(network.Port)
	s.number("port", &port, 1, 65535)
	network.Port = uint16(port)
	var quiet Hours
	if s.hours("quiet", &quiet) != nil {
		network.Quiet = &quiet
	}
	return network
}

// mostAddresses is more than the largest buildings have. At the usual rate a search
// of them takes eight minutes.
const mostAddresses = 100_000

// addresses are the items of addresses that can be read as such.
func (s section) addresses() (good []*node) {
	n := s.ask("addresses")
	if n == nil || n.kind == list && len(n.items) == 0 {
		s.add(&node{key: s.n.key + ".addresses", line: s.n.line}, Problem{Reason: text.Key("config.required")})
		return nil
	}
	if n.kind != list {
		s.add(n, Problem{Reason: text.Key("config.addresses")})
		return nil
	}
	for _, item := range n.items {
		if item.kind != words {
			s.add(item, Problem{Reason: text.Key("config.text")})
		} else if s.searchable(item) {
			good = append(good, item)
		}
	}
	return good
}

// searchable says whether an entry of addresses can be searched, and counts what it
// adds.
func (s section) searchable(n *node) bool {
	found, err := collector.ParseRange(n.text)
	_, notPrefix := netip.ParsePrefix(n.text)
	switch {
	case err != nil && notPrefix != nil:
		s.add(n, Problem{Reason: text.Key("config.address")})
	case err != nil || s.total+found.Count() > mostAddresses:
		s.add(n, Problem{Reason: text.Key("config.tooMany"), Allowed: []string{strconv.Itoa(mostAddresses)}})
	default:
		s.total += found.Count()
		return true
	}
	return false
}

func (s section) toner(t *Toner, seen map[string]*node) {
	s.choice("mode", &t.Mode, "order", "suggest", "off")
	s.number("order_below", &t.OrderBelow, 0, 90)
	s.number("days_left", &t.DaysLeft, 0, 60)
	s.number("pages_left", &t.PagesLeft, 0, 1_000_000)
	s.number("confirm", &t.Confirm, 2, 48)
	s.duration("confirm_over", &t.ConfirmOver, 0, 7*day)
	s.duration("sudden", &t.Sudden, 0, 7*day)
	s.duration("history", &t.History, 7*day, 60*day)
	s.duration("delivery", &t.Delivery, day, 30*day)
	s.duration("together", &t.Together, 0, 30*day)
	s.number("per_device", &t.PerDevice, 0, 1000)
	s.number("per_site", &t.PerSite, 0, 10_000)
	s.globs("quiet", &t.Quiet)
	s.globs("not_in_contract", &t.NotInContract)
	for _, rule := range s.sections("rule") {
		t.Rules = append(t.Rules, rule.rule(seen))
	}
}

// globs reads a list of patterns.
func (s section) globs(name string, to *[]string) {
	n := s.ask(name)
	if n == nil {
		return
	}
	if n.kind != list {
		s.add(n, Problem{Reason: text.Key("config.globs")})
		return
	}
	for _, item := range n.items {
		_, err := path.Match(item.text, "")
		switch {
		case item.kind != words:
			s.add(item, Problem{Reason: text.Key("config.text")})
		case err != nil:
			s.add(item, Problem{Reason: text.Key("config.glob")})
		default:
			*to = append(*to, item.text)
		}
	}
}

func (s section) rule(seen map[string]*node) TonerRule {
	var rule TonerRule
	model := s.text("model", &rule.Model)
	if _, err := path.Match(rule.Model, ""); err != nil {
		s.add(model, Problem{Reason: text.Key("config.glob")})
	}
	s.choice("colour", &rule.Colour, colours()...)
	if rule.Model == "" && rule.Colour == "" && s.n.keys["model"] == nil && s.n.keys["colour"] == nil {
		s.add(s.n, Problem{Reason: text.Key("config.ruleForAll")})
	}
	s.once(seen, fmt.Sprintf("rule %q %q", rule.Model, rule.Colour), s.n)
	s.number("days_left", &rule.DaysLeft, 0, 60)
	s.number("pages_left", &rule.PagesLeft, 0, 1_000_000)
	if s.number("order_below", &rule.OrderBelow, 0, 90) == nil && s.n.keys["order_below"] == nil {
		s.add(&node{key: s.n.key + ".order_below", line: s.n.line}, Problem{Reason: text.Key("config.required")})
	}
	return rule
}

func (s section) device(seen map[string]*node) Device {
	var d Device
	n := s.text("serial", &d.Serial)
	s.required("serial", d.Serial, n)
	d.Serial = strings.ToUpper(strings.TrimSpace(d.Serial))
	if n != nil {
		s.once(seen, "serial "+d.Serial, n)
	}
	s.colours("order_below", &d.OrderBelow)
	return d
}

// colours reads one percentage for every colour, or a table with one for each.
func (s section) colours(name string, to *map[string]int) {
	n := s.ask(name)
	if n != nil && n.kind != table {
		var percent int
		if s.wholeNumber(n, &percent, 0, 90) {
			*to = map[string]int{"": percent}
		}
		return
	}
	each := s.section(name)
	for _, colour := range colours() {
		var percent int
		if each.number(colour, &percent, 0, 90) != nil {
			if *to == nil {
				*to = map[string]int{}
			}
			(*to)[colour] = percent
		}
	}
}

// colours are the words for a supply's colorant in prtMarkerColorantValue.
func colours() []string {
	return []string{"black", "cyan", "magenta", "yellow", "red", "green", "blue", "white"}
}
