package alert_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/alert"
	"meteragent/collector"
)

var usual = alert.Policy{Readings: 2, Over: 10 * time.Minute, Daily: 20}

// A story is what one device says, every half hour, and what is made of it.
type story struct {
	t      *testing.T
	at     time.Time
	policy alert.Policy
	ledger alert.Ledger
	events []alert.Event
}

func newStory(t *testing.T) *story {
	return &story{t: t, at: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), policy: usual}
}

func (s *story) reading(alerts []collector.Alert, errors ...string) collector.Reading {
	return collector.Reading{
		Device: collector.Device{ID: "ABC12345", Model: "C5535"}, TakenAt: s.at, Alerts: alerts,
		Status: collector.Status{Errors: errors},
	}
}

// say is the same answer n times.
func (s *story) say(n int, alerts []collector.Alert, errors ...string) *story {
	s.t.Helper()
	for range n {
		s.at = s.at.Add(30 * time.Minute)
		r := s.reading(alerts, errors...)
		before := thereAndBack(s.t, s.ledger)
		events, next := alert.Decide(s.policy, s.ledger, r)
		if diff := cmp.Diff(before, thereAndBack(s.t, s.ledger)); diff != "" {
			s.t.Fatalf("the ledger given was changed:\n%s", diff)
		}
		again, same := alert.Decide(s.policy, before, r)
		if diff := cmp.Diff(events, again) + cmp.Diff(thereAndBack(s.t, next), thereAndBack(s.t, same)); diff != "" {
			s.t.Fatalf("decided in two ways:\n%s", diff)
		}
		if repeated, _ := alert.Decide(s.policy, next, r); repeated != nil {
			s.t.Fatalf("a reading that comes twice is told twice: %+v", repeated)
		}
		s.ledger = thereAndBack(s.t, next)
		s.events = append(s.events, events...)
	}
	return s
}

func thereAndBack(t *testing.T, l alert.Ledger) (back alert.Ledger) {
	t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// told is the events in short.
func (s *story) told() string {
	var all []string
	for _, e := range s.events {
		all = append(all, fmt.Sprintf("%s %s %s", strings.TrimPrefix(e.Event, "alert"), e.Class, e.Code))
	}
	return strings.Join(all, ", ")
}

func jam() []collector.Alert {
	return []collector.Alert{{Severity: "critical", Group: "mediaPath", GroupIndex: 1, Location: 12, Code: "jam", Description: "Paper jam 13.B9.D2 in the fuser", Training: "untrained"}}
}

func row(severity, group, code, training string) []collector.Alert {
	return []collector.Alert{{Severity: severity, Group: group, GroupIndex: 1, Code: code, Training: training}}
}

// What is raised, when, and in which class.
func TestConditions(t *testing.T) {
	for _, test := range []struct {
		name string
		say  func(*story)
		want string
	}{
		{"a jam that is cleared at once", func(s *story) { s.say(1, jam()).say(5, nil) }, ""},
		{"a jam that stays", func(s *story) { s.say(2, jam()) }, "Raised jam jam"},
		{"and is over", func(s *story) { s.say(3, jam()).say(3, nil) }, "Raised jam jam, Cleared jam jam"},
		{"one good reading is not the end", func(s *story) { s.say(3, jam()).say(1, nil).say(2, jam()) }, "Raised jam jam"},
		{"a jam that comes again and again", func(s *story) {
			s.say(1, jam()).say(1, nil).say(1, jam()).say(1, nil).say(1, jam()).say(1, nil).say(1, jam())
		}, "Raised jam jam"},
		{"a call for service, at once", func(s *story) { s.say(1, row("critical", "marker", "subunitUnrecoverableFailure", "fieldService")) }, "Raised service subunitUnrecoverableFailure"},
		{"by the printer's state", func(s *story) { s.say(1, nil, "serviceRequested") }, "Raised service serviceRequested"},
		{"a warning for the technician can wait", func(s *story) { s.say(2, row("warning", "marker", "subunitLifeAlmostOver", "fieldService")) }, "Raised other subunitLifeAlmostOver"},
		{"a jam by the printer's state", func(s *story) { s.say(2, nil, "jammed", "offline") }, "Raised jam jammed, Raised other offline"},
		{"a jam told twice is one", func(s *story) { s.say(2, jam(), "jammed", "offline") }, "Raised jam jam"},
		{"toner is the business of the orders", func(s *story) {
			s.say(9, row("warning", "markerSupplies", "markerTonerAlmostEmpty", "untrained"), "lowToner", "noToner")
		}, ""},
		{"a waste box is not", func(s *story) {
			s.say(2, row("warning", "markerSupplies", "markerWasteTonerReceptacleAlmostFull", "untrained"))
		}, "Raised other markerWasteTonerReceptacleAlmostFull"},
		{"sleeping is no trouble", func(s *story) {
			s.say(9, row("other", "generalPrinter", "subunitPowerSaver", "untrained")).say(9, row("warning", "generalPrinter", "powerUp", "noInterventionRequired")).
				say(9, row("warningBinaryChangeEvent", "marker", "markerFuserUnderTemperature", "untrained"))
		}, ""},
		{"what gets worse is told anew", func(s *story) {
			s.say(3, row("warning", "marker", "subunitUnrecoverableFailure", "untrained")).
				say(2, row("critical", "marker", "subunitUnrecoverableFailure", "fieldService"))
		}, "Raised other subunitUnrecoverableFailure, Cleared other subunitUnrecoverableFailure, Raised service subunitUnrecoverableFailure"},
		{"many short ones hide none", func(s *story) {
			for i := range 70 {
				s.say(1, []collector.Alert{{Severity: "warning", Group: "generalPrinter", Code: "other", Description: fmt.Sprintf("Job %c%c is cancelled", 'A'+i/26, 'A'+i%26)}})
			}
			s.say(1, row("critical", "marker", "subunitUnrecoverableFailure", "fieldService"))
		}, "Raised service subunitUnrecoverableFailure"},
		{"paper", func(s *story) { s.say(2, nil, "noPaper", "inputTrayEmpty") }, "Raised other inputTrayEmpty, Raised other noPaper"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			test.say(s)
			got := strings.Split(s.told(), ", ")
			want := strings.Split(test.want, ", ")
			if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func sorted(all []string) map[string]int {
	n := map[string]int{}
	for _, s := range all {
		n[s]++
	}
	return n
}

// A condition has one id at both ends, and another one the next time.
func TestBothEnds(t *testing.T) {
	s := newStory(t).say(2, jam()).say(3, nil).say(2, jam())
	if s.told() != "Raised jam jam, Cleared jam jam, Raised jam jam" {
		t.Fatal(s.told())
	}
	raised, cleared, again := s.events[0], s.events[1], s.events[2]
	switch {
	case raised.ID != cleared.ID || raised.ID == again.ID:
		t.Errorf("ids %s, %s and %s", raised.ID, cleared.ID, again.ID)
	case !raised.Urgent() || !cleared.Urgent():
		t.Error("a jam is not urgent")
	case !cleared.Raised.Equal(raised.Raised) || !cleared.Cleared.Equal(raised.Raised.Add(time.Hour)):
		t.Errorf("raised %s, cleared %s, first seen %s", cleared.Raised, cleared.Cleared, raised.Raised)
	case raised.VendorCode != "13.B9.D2" || raised.Location != 12 || raised.Model != "C5535":
		t.Errorf("raised %+v", raised)
	case again.Times != 2:
		t.Errorf("it came %d times, want 2", again.Times)
	}
	if got := len(s.ledger.Raised()); got != 1 {
		t.Errorf("%d are raised, want 1", got)
	}
}

// A condition that comes and goes all day is told a few times, and one that never
// ends once.
func TestFlapping(t *testing.T) {
	for _, period := range []int{1, 2, 3, 5, 8} {
		s := newStory(t)
		for s.at.Before(time.Date(2026, 11, 9, 8, 0, 0, 0, time.UTC)) {
			s.say(period, jam()).say(period, nil)
		}
		if n := len(s.events); n > 7*12 || n == 0 {
			t.Errorf("every %d readings: %d events in a week", period, n)
		}
		open := map[string]bool{}
		for _, e := range s.events {
			if raised := e.Event == "alertRaised"; open[e.ID] == raised {
				t.Errorf("%s of %s, which is raised: %v", e.Event, e.ID, open[e.ID])
			}
			open[e.ID] = e.Event == "alertRaised"
		}
	}
	if s := newStory(t).say(500, jam()); len(s.events) != 1 {
		t.Errorf("a jam of ten days is told %d times", len(s.events))
	}
}

// Odd tables: negative places, codes nobody knows, far too many rows, rows that are
// given to the next alert, descriptions that change.
func TestOddTables(t *testing.T) {
	var many []collector.Alert
	for i := range 200 {
		many = append(many, collector.Alert{Severity: "critical", Group: "input", GroupIndex: int64(i), Location: -2, Code: fmt.Sprint(30000 + i)})
	}
	s := newStory(t).say(4, many)
	if n := len(s.events); n != usual.Daily+1 || s.events[n-1].Event != "alertsHeld" && !strings.Contains(s.told(), "sHeld") {
		t.Errorf("200 rows make %d events, want %d and one that says there are more", n, usual.Daily)
	}
	for _, e := range s.events {
		if e.Location < 0 {
			t.Errorf("location %d", e.Location)
		}
	}
	s.at = s.at.Add(48 * time.Hour)
	if before := len(s.events); len(s.say(1, many).events) == before {
		t.Error("what was held is never told")
	}
	text, _ := json.Marshal(s.ledger)
	if len(text) > 64<<10 {
		t.Errorf("the ledger has %d bytes", len(text))
	}

	s = newStory(t).say(2, jam()).say(3, row("critical", "input", "inputMediaSupplyEmpty", "untrained"))
	if len(s.events) != 3 || !strings.Contains(s.told(), "Cleared jam jam") || !strings.Contains(s.told(), "Raised other inputMediaSupplyEmpty") {
		t.Errorf("a row that is used again: %s", s.told())
	}

	s = newStory(t)
	for i := range 20 {
		s.say(1, []collector.Alert{{Severity: "critical", Group: "other", GroupIndex: -1, Code: "unknown", Description: fmt.Sprintf("wait %d s\x00\r\n\xff", 20-i)}})
	}
	if s.told() != "Raised other unknown" || s.events[0].Description != "wait 19 s" {
		t.Errorf("a description that counts: %s, %q", s.told(), s.events[0].Description)
	}
	long := []collector.Alert{{Severity: "critical", Code: "1", Description: strings.Repeat("ä", 5000)}}
	if d := newStory(t).say(2, long).events[0].Description; len(d) > 255 || !strings.HasPrefix(d, "ää") {
		t.Errorf("a description of %d bytes", len(d))
	}
}

// A clock that jumps loses no end, and a ledger of a newer version is left alone.
func TestClock(t *testing.T) {
	s := newStory(t).say(2, jam())
	s.at = s.at.Add(-400 * time.Hour)
	s.say(4, nil)
	if s.told() != "Raised jam jam, Cleared jam jam" {
		t.Errorf("the clock was set back: %s", s.told())
	}
	newer := alert.Ledger{Version: 99}
	if events, next := alert.Decide(usual, newer, s.reading(jam(), "serviceRequested")); events != nil || next.Version != 99 || next.Known != nil {
		t.Errorf("a newer ledger: %v, %+v", events, next)
	}
}

// Whatever a device says: what ends was begun, ids are used once, and no day has more
// than its share.
func TestAnything(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 0))
		s := newStory(t)
		s.policy.Daily = 5
		open, used, perDay := map[string]bool{}, map[string]bool{}, map[string]int{}
		for range 100 {
			var alerts []collector.Alert
			for i := range random.IntN(12) {
				alerts = append(alerts, collector.Alert{
					Severity: []string{"critical", "warning", "other", ""}[random.IntN(4)], Group: "cover", GroupIndex: int64(i),
					Code: []string{"jam", "coverOpen", "unknown", "17"}[random.IntN(4)],
				})
			}
			from := len(s.events)
			s.say(1, alerts)
			for _, e := range s.events[from:] {
				switch {
				case e.Event == "alertRaised" && (open[e.ID] || used[e.ID]), e.Event == "alertCleared" && !open[e.ID]:
					t.Fatalf("seed %d: %s of %s", seed, e.Event, e.ID)
				case e.Event == "alertRaised":
					perDay[e.At.Format(time.DateOnly)+string(e.Class)]++
				}
				open[e.ID], used[e.ID] = e.Event == "alertRaised", true
			}
		}
		for day, n := range perDay {
			if n > 2*s.policy.Daily { // a day of the calendar touches two spans of 24 hours
				t.Errorf("seed %d: %d on %s", seed, n, day)
			}
		}
	}
}
