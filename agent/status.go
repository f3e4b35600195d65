package agent

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"sort"
	"time"

	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// Memory is what the agent remembers, read from its database and, where there is a
// running daemon, from that. It answers what "status", "readings", "orders" and the
// page ask.
type Memory struct {
	Config  config.Config
	ID      string
	Version string
	Store   *store.Store
	Clock   collector.Clock

	problems []text.Sentence
	health   *health // nil: no daemon runs
	tally    *tally  // the same
	writer   *writer // the same
	outputs  []Output
}

// Memory is the running daemon's.
func (a *Agent) Memory() Memory {
	_, quality, _ := a.time.now()
	return Memory{
		Config: a.cfg, ID: a.id, Version: a.version, Store: a.store, Clock: quality,
		problems: a.problems, health: a.health, tally: a.tally, writer: a.writer, outputs: a.outputs,
	}
}

// said is each sentence in one language that has something to say.
func said(sentences []text.Sentence, words *text.Catalogue) (all []string) {
	for _, say := range sentences {
		if sentence := say(words); sentence != "" {
			all = append(all, sentence)
		}
	}
	return all
}

// Status is everything at a glance, with what is wrong in words of lang.
func (m Memory) Status(lang string) (page.Status, error) {
	words := text.For(lang)
	s := page.Status{
		Agent: m.ID, Version: m.Version, Customer: m.Config.Customer, Site: m.Config.Site,
		Now: time.Now().UTC(), Clock: string(m.Clock), Problems: said(m.problems, words),
		Stream: m.Store.Stream(), Database: m.Store.Path(),
		Devices: []page.Device{}, Orders: []page.Order{},
	}
	hosts, of := map[string]hostHealth{}, map[string]bool{} // those of a device, of which there may be two
	if m.health != nil {
		s.Running, s.Started = true, m.health.started.UTC()
		hosts = m.health.copyHosts()
	}
	err := m.Store.View(func(tx *store.Tx) error {
		passedOver(&s, words, eachDevice(tx, func(d Device) error {
			shown, err := showDevice(tx, d, hosts)
			m.politeness(tx, &shown)
			s.Devices = append(s.Devices, shown)
			of[d.Host] = true
			if d.neverWhole() {
				s.Problems = append(s.Problems, words.Say("problem.partial", "device", d.Device.ID, "model", d.Device.Model, "address", d.Host, "time", later(d.FirstSeen, d.LastFull)))
			}
			passedOver(&s, words, errors.Join(err, trouble(tx, &s, shown)))
			return nil
		}))
		passedOver(&s, words, eachOrder(tx, func(e OrderEntry) error {
			if e.open() {
				s.Orders = append(s.Orders, ShowOrder(e))
			}
			return nil
		}))
		return nil
	})
	if err != nil {
		return s, err
	}
	sort.SliceStable(s.Orders, func(i, j int) bool { return s.Orders[i].At.Before(s.Orders[j].At) })
	for host, h := range hosts {
		if !h.answers && !of[host] {
			s.Silent = append(s.Silent, page.Silent{Address: host, Since: h.since.UTC(), Reason: h.err.Error(), Hint: string(Hint(h.err))})
		}
	}
	sort.SliceStable(s.Silent, func(i, j int) bool { return s.Silent[i].Address < s.Silent[j].Address })
	return s, errors.Join(m.saved(&s, words), m.room(&s, words), m.portals(&s, words), m.updated(&s, words))
}

// passedOver adds that something that is kept cannot be read, and is not shown.
func passedOver(s *page.Status, words *text.Catalogue, err error) {
	if err != nil {
		s.Problems = append(s.Problems, words.Say("problem.unreadable", "reason", err))
	}
}

// saved adds that the database was damaged, as long as the damaged file lies there.
func (m Memory) saved(s *page.Status, words *text.Catalogue) error {
	saved, err := m.Store.Saved()
	if saved == nil || err != nil {
		return err
	}
	if _, err := os.Stat(saved.SetAside); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	problem := text.Key("problem.salvaged")
	if saved.Missing < 0 {
		problem = text.Key("problem.salvaged.unknown")
	}
	s.Problems = append(s.Problems, words.Say(problem,
		"time", saved.At, "records", saved.Records, "missing", saved.Missing, "file", saved.SetAside))
	return nil
}

// updated adds that an update was refused or taken back.
func (m Memory) updated(s *page.Status, words *text.Catalogue) error {
	if m.health == nil {
		return nil
	}
	if o := m.health.lastUpdate(); o.Bad() {
		s.Problems = append(s.Problems, words.Say(text.Key("problem.update."+o.Result),
			"time", o.At, "version", o.Version, "reason", o.Reason))
	}
	return nil
}

// room adds how full the database is.
func (m Memory) room(s *page.Status, words *text.Catalogue) error {
	u, err := m.Store.Usage()
	if err != nil {
		return err
	}
	limit := roomOf(m.Config.Store.MaxBytes, m.Store)
	var sum dropped
	err = m.Store.View(func(tx *store.Tx) error {
		_, err := tx.Get(toldOf, "dropped", &sum)
		return err
	})
	s.Store = page.Store{
		File: u.File, Used: u.Used, Limit: limit, Dropped: sum.Records, DroppedTo: sum.Last,
		Commits: u.Commits, Written: u.Written,
	}
	if m.writer != nil {
		disk, left := m.writer.state()
		s.Store.Readings, s.Store.InMemory, s.Store.FailingSince = m.writer.count(), left, disk.since
		if disk.err != nil {
			problem := words.Say("problem.disk", "time", disk.since, "count", left, "error", disk.err)
			s.Problems = append(s.Problems, Advised(words, problem, disk.err))
		}
	}
	if m.Clock == collector.ClockEstimated {
		s.Problems = append(s.Problems, words.Say("problem.clock", "time", time.Now()))
	}
	if sum.Records > 0 && time.Since(sum.At) < droppedShown {
		s.Problems = append(s.Problems, words.Say("problem.dropped", "count", sum.Records, "time", sum.Last))
	}
	if u.Used > limit+limit/16 {
		s.Problems = append(s.Problems, words.Say("problem.tight", "used", u.Used/1_000_000, "limit", limit/1_000_000))
	}
	return err
}

// portals adds how deliveries go, to each receiver.
func (m Memory) portals(s *page.Status, words *text.Catalogue) error {
	receivers := m.Config.Receivers()
	left, err := m.Store.Left()
	if err != nil {
		return err
	}
	for _, name := range append(m.Store.Destinations(), left...) {
		p, err := m.portal(name)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(receivers, func(r config.Receiver) bool { return r.Name() == name }); i >= 0 {
			p.URL, p.Orders, p.Doors = ShownURL(receivers[i][0]), receivers[i].Orders(), m.doors(receivers[i])
		}
		if p.Left = slices.Contains(left, name); p.Left {
			s.Problems = append(s.Problems, words.Say("problem.left", "name", name, "count", p.Urgent+p.Bulk))
		}
		s.Portals = append(s.Portals, p)
		rejected, err := m.Store.Quarantine(name)
		if err != nil {
			return err
		}
		s.Rejected += len(rejected)
	}
	return nil
}

// doors are the portals of a receiver that has several.
func (m Memory) doors(r config.Receiver) (all []page.Door) {
	var states []transport.Door
	for _, o := range m.outputs {
		if o.Name == r.Name() && o.Doors != nil {
			states = o.Doors()
		}
	}
	for i, p := range r {
		if len(r) == 1 {
			break
		}
		d := page.Door{URL: ShownURL(p)}
		if i < len(states) {
			d.Used = states[i].Used
			if states[i].Err != nil {
				d.LastError = states[i].Err.Error()
			}
		}
		all = append(all, d)
	}
	return all
}

func (m Memory) portal(name string) (page.Portal, error) {
	waiting, err := m.Store.Waiting(name)
	p := page.Portal{
		Name: name, State: "idle",
		Urgent: waiting.Urgent, Bulk: waiting.Bulk, Oldest: waiting.Oldest,
	}
	if m.health != nil {
		h := m.health.copyPortal(name)
		p.Delivered, p.Batches, p.LastSent, p.NextTry = h.delivered, h.batches, h.lastSent, h.nextTry
		switch {
		case h.err != nil:
			p.State, p.LastError, p.Hint = "failing", h.err.Error(), string(Hint(h.err))
		case !h.lastSent.IsZero():
			p.State = "connected"
		}
	}
	return p, err
}

// Readings is the history of one device, or of all ("" as the device), newest first.
func (m Memory) Readings(device string) ([]page.Entry, error) {
	entries := []page.Entry{}
	prefix := ""
	if device != "" {
		prefix = device + "|"
	}
	err := m.Store.View(func(tx *store.Tx) error {
		return each(tx, daily, prefix, func(e page.Entry) error {
			if device == "" || e.Device == device { // an id may begin with another one and a "|"
				entries = append(entries, e)
			}
			return nil
		})
	})
	if errors.Is(err, errUnreadable) {
		err = nil // the others are worth showing; the status says what is wrong
	}
	sort.SliceStable(entries, func(i, j int) bool { return entries[j].At.Before(entries[i].At) })
	return entries, err
}

// Orders are all orders, newest first.
func (m Memory) Orders() ([]page.Order, error) {
	all := []page.Order{}
	err := m.Store.View(func(tx *store.Tx) error {
		return eachOrder(tx, func(e OrderEntry) error {
			all = append(all, ShowOrder(e))
			return nil
		})
	})
	if errors.Is(err, errUnreadable) {
		err = nil
	}
	sort.SliceStable(all, func(i, j int) bool { return all[j].At.Before(all[i].At) })
	return all, err
}

// Outgoing are the last messages to all portals, the newest first, exactly as they
// left. Only a running daemon knows them.
func (m Memory) Outgoing() ([]page.Message, error) {
	all := []page.Message{}
	for _, o := range m.outputs {
		if o.Left == nil {
			continue
		}
		for _, s := range o.Left.Last() {
			body, err := s.Text()
			if err != nil {
				return nil, err
			}
			all = append(all, page.Message{Portal: o.Name, At: s.At, To: s.To, Type: s.Type, Body: body})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[j].At.Before(all[i].At) })
	return all, nil
}

// politeness adds what a device is asked. Counts that cannot be read are not shown.
func (m Memory) politeness(tx *store.Tx, d *page.Device) {
	if _, err := tx.Get(traffic, d.ID, &d.Traffic); err != nil {
		d.Traffic = nil
	}
	if m.health == nil {
		return
	}
	d.Traffic = withTraffic(d.Traffic, m.tally.of(d.ID))
	p := m.health.plan(d.Address)
	d.Next, d.Less = p.next.UTC(), string(p.less)
	if p.less == sparedAsleep && d.State == "online" {
		d.State = "asleep"
	}
}

func showDevice(tx *store.Tx, d Device, hosts map[string]hostHealth) (page.Device, error) {
	shown := page.Device{
		ID: d.Device.ID, Model: d.Device.Model, Address: d.Host,
		FirstSeen: d.FirstSeen, LastReading: d.LastRead, State: "known", Rival: d.Rival,
	}
	if d.Twice {
		shown.Conflict = d.Conflict
	}
	switch h, asked := hosts[d.Host]; {
	case d.Lost:
		shown.State = "lost"
	case asked && !h.answers:
		shown.State, shown.Reason = "silent", h.err.Error()
	case asked && h.device != d.Device.ID && d.Rival == "":
		shown.State = "replaced"
	case asked:
		shown.State = "online"
	}
	var r collector.Reading
	found, err := tx.Get(last, d.Device.ID, &r)
	if found {
		shown.Reading = &r
	}
	return shown, err
}

// ShownURL is a portal's address without what may be secret in it. Of a webhook that is
// the path too.
func ShownURL(p config.Portal) string {
	u, err := url.Parse(p.URL)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery = nil, ""
	if p.Kind == config.KindWebhook {
		u.Path, u.RawPath = "/...", ""
	}
	return u.String()
}
