package toner_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// A story is told in readings of the black toner, half an hour apart:
//
//	40            40 percent, measured
//	?             the level is unknown; so is "some", which is RFC 3805's -3
//	8+almost      8 percent, and the device's alert that it is nearly empty; or +empty
//	8#B           8 percent, and the cartridge has the serial number B
//	?@900         unknown, at 900 pages; each reading has 10 pages more otherwise
//	=             the last reading again
//	/             a reading without supplies
//	+72h          three days pass
//	lost          not a reading: the ledger is lost, its orders are not
//	damaged       the orders are lost, too; a parcel takes 72 hours at most
//	shipped       not a reading: the portal says so; also accepted, cancelled
//	8!            this reading must place an order; all others must not
func TestStories(t *testing.T) {
	for _, story := range []struct {
		name, readings string
		state          toner.State // in the end
	}{
		{"plenty is left", "100 98 60 15 15.0", toner.Watch},
		{"one low reading is only a sign", "40 14.9", toner.Due},
		{"a slip of the sensor orders nothing", "40 3 39 38 2 37", toner.Fine},
		{"nor is it a new cartridge", "60 0 61 62", toner.Fine},
		{"two low readings in a row order once", "40 14 13! 12 11 10 0 0 0", toner.Ordered},
		{"low from the first day", "9 9!", toner.Ordered},
		{"the same reading twice is one reading", "40 14 = = = 13! = =", toner.Ordered},
		{"a reading without supplies changes nothing", "40 14 / / 13!", toner.Ordered},
		{"asleep for a while", "40 14 ? ? 13! ? ?", toner.Ordered},

		{"shaking does not close the order", "40 14 13! 20 22 9 30 28 3 25 25", toner.Ordered},
		{"a jump must stay", "40 14 10! 95 9 95 8", toner.Ordered},
		{"a new cartridge is a clear jump that stays", "40 14 10! 3 100 100", toner.Replaced},
		{"the next cartridge is ordered again", "40 14 10! 100 99 50 14 13! 12", toner.Ordered},
		{"even if it empties at once", "40 14 10! 100 99 0 0!", toner.Ordered},
		{"a half-full cartridge will do", "40 14 5! 1 55 54", toner.Replaced},
		{"a refill before the end starts afresh", "60 40 100 100 14 13!", toner.Ordered},

		{"another serial number is another cartridge", "40#A 14#A 13#A! 20#B 20#B", toner.Replaced},
		{"but not if it is low too", "14#A 13#A! 10#B 10#B 13#A 13#A", toner.Ordered},
		{"and only if it stays", "14#A 13#A! 20#B 20#A 20#B 20#A", toner.Ordered},
		{"a serial number that comes and goes", "14#A 13#A! 20 20 20#A 20 20#A", toner.Ordered},
		{"a serial number that is told late", "14 13! 12#A 12#A", toner.Ordered},
		{"a serial number without a level", "40#A 14#A 13#A! ?#B ?#B", toner.Replaced},

		{"the portal accepts and ships", "14 13! accepted 12 shipped 11 10", toner.Shipped},
		{"states go forward only", "14 13! shipped accepted 12", toner.Shipped},
		{"shipped is not yet installed", "14 13! shipped 12 11 0 0 20 20", toner.Shipped},
		{"shipped and installed", "14 13! shipped 2 100 100 14 13!", toner.Ordered},
		{"a cancelled order is not repeated", "14 13! cancelled 12 11 0 0", toner.Stopped},
		{"until the cartridge is another one", "14 13! cancelled 2 100 100 14 13!", toner.Ordered},
		{"the portal is late", "14 13! 100 100 cancelled 99", toner.Fine},

		{"a lost ledger orders nothing twice", "40 14 13! lost 12 11 0 100 99 14 13!", toner.Ordered},
		{"nor after the parcel has left", "14 13! shipped lost 12 11 0 0 20 20", toner.Shipped},
		{"nor what was cancelled", "14 13! cancelled lost 12 11 0 0", toner.Stopped},
		{"what was replaced is over", "40 14 10! 3 100 100 lost 14 13!", toner.Ordered},
		{"a serial number is still known", "14#A 13#A! lost 20#B 20#B", toner.Replaced},
		{"where orders are lost a parcel may be on its way", "14 13! damaged 12 11 +72h 10!", toner.Ordered},
		{"and comes", "14 13! damaged 12 11 100 100 99 99", toner.Fine},

		{"levels that are not measured order nothing", "some some ? ? some", toner.Unknown},
		{"the device's own word does", "some some+almost some+almost! some+empty", toner.Ordered},
		{"and empty does", "some some+empty some+empty!", toner.Ordered},
		{"once is not enough", "some+almost some some+almost some", toner.Unknown},
		{"where it is measured, the rule decides over nearly empty", "40 39+almost 38+almost", toner.Fine},
		{"but empty is empty", "40 39+empty 38+empty!", toner.Ordered},
		{"silence is no new cartridge", "some+empty some+empty! some@1000 some@9000", toner.Ordered},
		{"silence after shipping may be shaking", "some+empty some+empty! shipped some@100 some@300", toner.Shipped},
		{"unless it lasts", "some+empty some+empty! shipped some@100 some@300 +72h some@700", toner.Replaced},
		{"then all begins again", "some+empty some+empty! shipped some@100 +72h some@700 some+empty some+empty!", toner.Ordered},

		{"a ghost is not ordered", "0 0 0 0", toner.Unknown},
		{"unless an alert says that it is empty", "0 0+empty 0+empty!", toner.Ordered},
		{"an empty cartridge that was full once is no ghost", "20 0 0!", toner.Ordered},
	} {
		t.Run(story.name, func(t *testing.T) {
			tell(t, story.readings, story.state)
		})
	}
}

func tell(t *testing.T, readings string, want toner.State) {
	t.Helper()
	rules := toner.Rules{{OrderBelow: 15, Source: "toner.order_below"}}
	var ledger toner.Ledger
	var orders []toner.Order
	last := collector.Reading{TakenAt: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}
	for i, word := range strings.Fields(readings) {
		switch word {
		case "accepted", "shipped", "cancelled":
			ledger = ledger.Apply(toner.OrderState{ID: orders[len(orders)-1].ID, State: word})
			continue
		case "lost":
			ledger = toner.Rebuild(ledger.Device, known(ledger, orders), time.Time{})
			continue
		case "damaged":
			ledger = toner.Rebuild(ledger.Device, nil, last.TakenAt.Add(72*time.Hour))
			continue
		case "=":
		case "+72h":
			last.TakenAt = last.TakenAt.Add(72 * time.Hour)
			continue
		case "/":
			last.TakenAt = last.TakenAt.Add(30 * time.Minute)
			last.Supplies = nil
		default:
			last = reading(t, strings.TrimSuffix(word, "!"), last.TakenAt.Add(30*time.Minute), int64(10*i))
		}
		placed, next := decided(rules, ledger, last)
		if got := len(placed) > 0; got != strings.HasSuffix(word, "!") {
			t.Errorf("reading %d, %q, places %d orders", i+1, word, len(placed))
		}
		orders, ledger = append(orders, placed...), next
	}
	if got := ledger.Supplies["1.1"].State; got != want {
		t.Errorf("in the end the state is %q, want %q", got, want)
	}
	ids := map[string]bool{}
	for _, o := range orders {
		ids[o.ID] = true
	}
	if len(ids) != len(orders) {
		t.Errorf("%d orders have %d ids", len(orders), len(ids))
	}
}

// known are orders with what became of them.
func known(l toner.Ledger, orders []toner.Order) (all []toner.Placed) {
	for _, o := range orders {
		state := "replaced"
		for _, s := range l.Orders() {
			if s.ID == o.ID {
				state = s.State
			}
		}
		all = append(all, toner.Placed{Order: o, State: state})
	}
	return all
}

// reading makes a reading of a device with a black toner, a ghost and a waste box.
func reading(t *testing.T, word string, at time.Time, pages int64) collector.Reading {
	t.Helper()
	word, count, found := strings.Cut(word, "@")
	if found {
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		pages = n
	}
	word, serial, _ := strings.Cut(word, "#")
	word, signal, _ := strings.Cut(word, "+")
	black := supply("1.1", "black", word)
	black.SerialNumber = serial
	waste := supply("1.9", "", "0")
	waste.Class, waste.Type = "receptacleThatIsFilled", "wasteToner"
	r := collector.Reading{
		Device:   collector.Device{ID: "ABC12345", Serial: "ABC12345", Manufacturer: "Canon", Model: "iR-ADV C5535"},
		TakenAt:  at,
		Meters:   []collector.Meter{{Name: "systemTotals.impressions.total", Value: pages, Primary: true}},
		Supplies: []collector.Supply{waste, supply("1.5", "", "0"), black},
	}
	if code := map[string]string{"almost": "markerTonerAlmostEmpty", "empty": "markerTonerEmpty"}[signal]; code != "" {
		r.Alerts = []collector.Alert{{Group: "markerSupplies", GroupIndex: 1, Code: code}}
	}
	return r
}

func supply(key, colour, level string) collector.Supply {
	s := collector.Supply{Key: key, Class: "supplyThatIsConsumed", Type: "toner", Colorant: colour}
	switch level {
	case "?":
		s.Level.Kind = collector.Unknown
	case "some":
		s.Level.Kind = collector.Some
	default:
		percent, _ := strconv.ParseFloat(level, 64)
		s.Level = collector.Level{Kind: collector.Measured, Percent: &percent}
	}
	return s
}
