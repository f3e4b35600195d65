package agent_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// What a copier says that may be nobody's business, by the setting that lets it out.
// The addresses are those of the test's copiers.
func secrets() map[string]string {
	return map[string]string{
		"name": "pc-of-mrs-smith", "location": "room-of-mr-jones", "contact": "jones@example.com", "mac": "00:1e:8f:12:34:56",
		"console": "ms-miller-is-printing", "address": "10.0.0.",
	}
}

// talkative copiers say everything.
type talkative struct{ *fleet }

func (f talkative) Read(ctx context.Context, t collector.Target) (collector.Reading, error) {
	r, err := f.fleet.Read(ctx, t)
	s := secrets()
	r.Device.Name, r.Device.Location, r.Device.Contact, r.Device.MAC = s["name"], s["location"], s["contact"], s["mac"]
	r.Status.Console = []string{"Ready", s["console"]}
	return r, err
}

// An eventful day makes a record of every kind and a device record of every event. It
// returns what waits in the database, since nothing can be delivered.
func eventful(t *testing.T, privacy config.Privacy) (all []store.Record) {
	t.Helper()
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Privacy = privacy
			c.Networks[0].Addresses = []string{"10.0.0.1", "10.0.0.2"}
			c.Toner.ConfirmOver, c.Poll.Supplies, c.Poll.Meters = 0, 10*time.Minute, 30*time.Minute
			c.Store.MaxAge = 2 * time.Hour
		})
		s.link.err = transport.ErrTimeout
		const second = "10.0.0.2:161"
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		s.fleet.copiers[second] = &copier{serial: "ABC99999", off: true}
		agent := s.with(talkative{s.fleet})
		stop := start(t, agent, s.store)
		time.Sleep(time.Hour) // found, low: ordered
		s.fleet.set(host, func(c *copier) { c.toner = 100 })
		time.Sleep(2 * time.Hour) // a new cartridge
		s.fleet.set(second, func(c *copier) { c.serial, c.off = "ABC12345", false })
		time.Sleep(time.Hour + time.Minute) // there twice
		s.fleet.set(host, func(c *copier) { c.off = true })
		time.Sleep(time.Hour) // moved
		s.fleet.set(second, func(c *copier) { c.serial = "DEF67890" })
		time.Sleep(2 * time.Hour) // replaced; and the first readings are too old
		for _, lane := range []string{store.Urgent, store.Bulk} {
			records, err := s.store.Pending("portal", lane, 10_000, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, records...)
		}
		stop()
	})
	return all
}

// Nothing private is stored for sending, whatever happens, unless it was asked for.
func TestPrivacy(t *testing.T) {
	records := eventful(t, config.Privacy{})
	var kinds, events []string
	for _, r := range records {
		if !slices.Contains(kinds, r.Kind) {
			kinds = append(kinds, r.Kind)
		}
		var body struct{ Event string }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		if r.Kind == "device" && !slices.Contains(events, body.Event) {
			events = append(events, body.Event)
		}
		for name, secret := range secrets() {
			if strings.Contains(string(r.Body), secret) {
				t.Errorf("%s record holds the %s: %s", r.Kind, name, r.Body)
			}
		}
	}
	slices.Sort(kinds)
	slices.Sort(events)
	if want := []string{"agent", "alert", "device", "gap", "order", "reading"}; !slices.Equal(kinds, want) {
		t.Errorf("records of %v, want %v: the test does not look at every kind", kinds, want)
	}
	if want := []string{"conflict", "found", "moved", "replaced"}; !slices.Equal(events, want) {
		t.Errorf("device events %v, want %v", events, want)
	}
}

// Each switch lets out its own, and nothing else.
func TestPrivacySwitches(t *testing.T) {
	for name, secret := range secrets() {
		path := database(t)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, path, func(c *config.Config) {
				field := reflect.ValueOf(&c.Privacy).Elem().FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, name) })
				field.SetBool(true)
			})
			stop := start(t, s.with(talkative{s.fleet}), s.store)
			time.Sleep(time.Minute)
			stop()
			for _, kind := range []string{"reading", "device"} {
				sent := string(bodies[json.RawMessage](t, s.link, kind)[0])
				if kind+name != "deviceconsole" && !strings.Contains(sent, secret) {
					t.Errorf("%s = true withholds it from a %s: %s", name, kind, sent)
				}
				for other, hidden := range secrets() {
					if other != name && strings.Contains(sent, hidden) {
						t.Errorf("%s = true lets out the %s: %s", name, other, sent)
					}
				}
			}
		})
	}
}

// A member that the collector adds to a device is sent or withheld, but not forgotten.
func TestSentDeviceIsComplete(t *testing.T) {
	members := func(s reflect.Type) (names []string) {
		for f := range s.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
		return names
	}
	sent, whole := members(reflect.TypeFor[agent.SentDevice]()), members(reflect.TypeFor[collector.Device]())
	if !slices.Equal(sent, whole) {
		t.Errorf("a device is sent as %v; the collector knows %v", sent, whole)
	}
}
