package transport

import (
	"cmp"
	"fmt"
	"strings"
)

// none as a setting turns off what it names.
const none = "none"

// Topics say where MQTT messages go if not where docs/wire.md says, for brokers that
// prescribe it; "" leaves one there. {customer} and {agent} stand for themselves, and
// {kind} in Records for the kind of the records.
type Topics struct {
	Records  string // where batches are published
	Receipts string // where answers are heard; may hold + and #
	Status   string // the retained status and the last will; "none" for neither
	Probe    string // "none" trusts a broker's acknowledgement without proof (ReceiptsBroker)
}

// expand returns the topics of one agent, with only {kind} left to fill in.
func (t Topics) expand(c Config) (Topics, error) {
	const ours = "meteragent/v1/{customer}/{agent}/"
	t = Topics{
		Records: cmp.Or(t.Records, ours+"{kind}"), Receipts: cmp.Or(t.Receipts, ours+"receipts"),
		Status: cmp.Or(t.Status, ours+"status"), Probe: cmp.Or(t.Probe, ours+"probe"),
	}
	all := t.Records + t.Receipts + t.Status + t.Probe
	if strings.Contains(all, "{customer}") && (c.Customer == "" || strings.ContainsAny(c.Customer, "/+#\x00")) {
		return Topics{}, fmt.Errorf("customer: %q cannot be part of an MQTT topic: it must not be empty or contain / + #", c.Customer)
	}
	for _, topic := range []struct {
		name   string
		text   *string
		kind   string // what stands for {kind} while checking
		bad    string // what must not be in it
		mayOff bool
	}{
		{"records", &t.Records, "reading", "+#\x00{}", false},
		{"receipts", &t.Receipts, "{kind}", "\x00{}", false},
		{"status", &t.Status, "{kind}", "+#\x00{}", true},
		{"probe", &t.Probe, "{kind}", "+#\x00{}", true},
	} {
		*topic.text = c.fill(*topic.text)
		text := strings.ReplaceAll(*topic.text, "{kind}", topic.kind)
		if strings.ContainsAny(text, topic.bad) || len(text) > 1024 || text == none && !topic.mayOff {
			return Topics{}, fmt.Errorf("topic of %s: %.100q is none that can be used", topic.name, *topic.text)
		}
	}
	return t, nil
}

// fill puts customer and agent into a template.
func (c Config) fill(template string) string {
	return strings.NewReplacer("{customer}", c.Customer, "{agent}", c.Agent).Replace(template)
}
