package transport

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// homeLink shows copiers in Home Assistant by MQTT discovery: for each counter, supply and
// state a retained description under the discovery prefix, and a retained value under
// meteragent/home/<agent>/. All are unavailable while the agent is: its last will says so.
//
// Home Assistant keeps its own history of the values it sees and cannot answer. So the
// broker's acknowledgement confirms, once a probe has shown that it delivers what it
// acknowledges; a value that is older than one already sent changes nothing.
type homeLink struct {
	*mqttLink

	turns   sync.Mutex // Sends one after the other: values must not overtake each other
	shown   map[string]string
	newest  map[string]reading // of each device, by its number: a clock that was ahead holds up nothing
	session *session           // on which all that is shown was sent; the broker may forget it with the session
}

// homeProbe is more than the largest description.
const homeProbe = 4 << 10

func newHome(l *mqttLink) *homeLink {
	return &homeLink{mqttLink: l, shown: map[string]string{}, newest: map[string]reading{}}
}

// homeTopics are those of an agent's values.
func homeTopics() Topics {
	const ours = "meteragent/home/{agent}/"
	return Topics{Records: ours + "{kind}", Receipts: ours + "receipts", Status: ours + "status", Probe: ours + "probe"}
}

func (l *homeLink) Send(ctx context.Context, batch []Message) (Receipt, error) {
	ctx, done := l.join(ctx, l.config.Timeout)
	defer done()
	l.turns.Lock()
	defer l.turns.Unlock()
	all, refused := readings(batch)
	news := l.news(all)
	known := len(l.shown)
	for _, p := range news {
		l.shown[p.topic] = string(p.payload)
	}
	s, err := l.publish(ctx, news)
	if err == nil && s != l.session && known > 0 {
		s, err = l.publish(ctx, l.everything())
	}
	if err != nil {
		l.session = nil // what has arrived is not known
		return Receipt{}, fail(ctx, l.url.Host, err)
	}
	l.session = s
	return Receipt{Accepted: len(batch) - len(refused), Rejected: refused}, nil
}

// news is what readings change of what is shown: of each topic the newest.
func (l *homeLink) news(all []reading) (news []parcel) {
	at := map[string]int{}
	for _, r := range all {
		if before := l.newest[r.Device.ID]; r.stream == before.stream && r.seq < before.seq {
			continue // it comes once more, or late
		}
		l.newest[r.Device.ID] = reading{stream: r.stream, seq: r.seq}
		for _, p := range l.describe(r) {
			if i, there := at[p.topic]; there {
				news[i] = p
				continue
			}
			at[p.topic] = len(news)
			news = append(news, p)
		}
	}
	return slices.DeleteFunc(news, func(p parcel) bool { return l.shown[p.topic] == string(p.payload) })
}

// everything is all that is shown, the descriptions first.
func (l *homeLink) everything() (all []parcel) {
	for _, described := range []bool{true, false} {
		for topic, value := range l.shown {
			if strings.HasSuffix(topic, "/config") == described {
				all = append(all, retained(topic, []byte(value)))
			}
		}
	}
	return all
}

func retained(topic string, payload []byte) parcel {
	return parcel{topic: topic, payload: payload, retained: true}
}

// A component is one line of a device in Home Assistant.
type component struct {
	platform, object string
	value            string
	about            map[string]any // of the description, besides what all have
}

// describe puts a reading in Home Assistant's words: of each component the description and
// the value.
func (l *homeLink) describe(r reading) (all []parcel) {
	device := plainName(r.Device.ID)
	base := strings.TrimSuffix(l.config.Topics.Status, "status") + device + "/"
	for _, c := range components(r) {
		id := "meteragent_" + device + "_" + c.object
		about := map[string]any{
			"unique_id": id, "state_topic": base + c.object,
			"availability_topic": l.config.Topics.Status, "availability_template": "{{ value_json.status }}",
			"device": map[string]any{
				"identifiers": []string{"meteragent_" + device}, "name": strings.TrimSpace(r.Device.Model + " " + r.Device.Serial),
				"manufacturer": r.Device.Manufacturer, "model": r.Device.Model, "serial_number": r.Device.Serial, "sw_version": r.Device.Firmware,
			},
			"origin": map[string]any{"name": "meteragent", "sw_version": strings.TrimPrefix(l.config.Software, "meteragent/")},
		}
		for name, value := range c.about {
			about[name] = value
		}
		text, _ := json.Marshal(about) // texts and lists of texts cannot fail
		all = append(all,
			retained(l.config.Prefix+"/"+c.platform+"/meteragent_"+device+"/"+c.object+"/config", text),
			retained(base+c.object, []byte(c.value)))
	}
	return all
}

// components are what there is to show of a device.
func components(r reading) (all []component) {
	for _, m := range r.Meters {
		if m.Primary {
			all = append(all, component{"sensor", "meter_" + plainName(m.Name), strconv.FormatInt(m.Value, 10), map[string]any{
				"name": m.Name, "state_class": "total_increasing", "unit_of_measurement": m.Unit, "icon": "mdi:counter",
			}})
		}
	}
	for _, s := range r.Supplies {
		if s.Level.Percent != nil {
			name := s.Description
			if name == "" {
				name = strings.TrimSpace(s.Colorant + " " + s.Type)
			}
			all = append(all, component{"sensor", "supply_" + plainName(s.Key), strconv.FormatFloat(*s.Level.Percent, 'f', -1, 64), map[string]any{
				"name": name, "state_class": "measurement", "unit_of_measurement": "%", "icon": "mdi:water-percent",
			}})
		}
	}
	problem := "OFF"
	if len(r.Status.Errors) > 0 {
		problem = "ON"
	}
	for _, a := range r.Alerts {
		if a.Severity == "critical" {
			problem = "ON"
		}
	}
	return append(all,
		component{"binary_sensor", "problem", problem, map[string]any{"name": "Problem", "device_class": "problem"}},
		component{"sensor", "printer_status", r.Status.Printer, map[string]any{"name": "Status", "icon": "mdi:printer"}},
		component{"sensor", "last_reading", r.TakenAt.UTC().Format(time.RFC3339), map[string]any{
			"name": "Last reading", "device_class": "timestamp", "entity_category": "diagnostic",
		}})
}
