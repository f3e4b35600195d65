package portal

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

//go:embed style.css
var styleCSS []byte

const (
	eventsShown = 30
	ordersShown = 50
)

// view is what the page shows.
type view struct {
	Now     time.Time
	Down    bool
	Counts  Counts
	Agents  int
	Missing uint64 // records in holes
	Devices []device
	Orders  []Order // newest first
	Alerts  []Alert // newest first
	Events  []Event // newest first
}

func (p *Portal) view() view {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := view{Now: time.Now().UTC(), Down: p.down, Counts: p.counts}
	agents := map[string]bool{}
	for key := range p.lanes {
		agents[key.source] = true
	}
	v.Agents = len(agents)
	for _, h := range p.holes() {
		v.Missing += h.Last - h.First + 1
	}
	for _, d := range p.devices {
		v.Devices = append(v.Devices, *d)
	}
	sort.SliceStable(v.Devices, func(i, j int) bool {
		a, b := &v.Devices[i], &v.Devices[j]
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.ID, b.ID)) < 0
	})
	v.Orders = newest(p.orders, ordersShown)
	v.Alerts = newest(p.alerts, ordersShown)
	v.Events = newest(p.events, eventsShown)
	return v
}

// newest returns the last n, the last one first.
func newest[T any](all []T, n int) []T {
	last := slices.Clone(all[max(0, len(all)-n):])
	slices.Reverse(last)
	return last
}

// page answers GET /. It has no script, and the browser is told to run none.
func (p *Portal) page(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := write(&b, p.view().page()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	secure(w, "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

func (p *Portal) style(w http.ResponseWriter, _ *http.Request) {
	secure(w, "text/css; charset=utf-8")
	w.Write(styleCSS)
}

// received answers GET /received.json.
func (p *Portal) received(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	everything := struct {
		Counts Counts  `json:"counts"`
		Holes  []Hole  `json:"holes"`
		Orders []Order `json:"orders"`
		Alerts []Alert `json:"alerts"`
		Events []Event `json:"events"`
	}{p.counts, p.holes(), append([]Order{}, p.orders...), append([]Alert{}, p.alerts...), append([]Event{}, p.events...)}
	p.mu.Unlock()
	secure(w, "application/json")
	json.NewEncoder(w).Encode(everything)
}

func secure(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// number writes 1234567 as 1 234 567.
func number(n any) string {
	var digits string
	switch v := n.(type) {
	case int:
		digits = strconv.Itoa(v)
	case uint64:
		digits = strconv.FormatUint(v, 10)
	case *int64:
		if v == nil {
			return "–"
		}
		digits = strconv.FormatInt(*v, 10)
	}
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:] // a narrow space that does not break
	}
	return digits
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }
func when(t time.Time) string  { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// level writes a percentage, without a decimal that says nothing.
func level(percent float64) string {
	return strconv.FormatFloat(math.Round(percent*10)/10, 'f', -1, 64) + " %"
}

// Name returns what the supply is for a person: "black toner", or the device's own
// words.
func (s supply) Name() string {
	if s.Colorant != "" && s.Type != "" {
		return s.Colorant + " " + s.Type
	}
	return cmp.Or(s.Description, s.Colorant, s.Type, "supply")
}

// Width returns the length of the bar in percent; 0 if there is none.
func (s supply) Width() float64 {
	if s.Level.Percent == nil {
		return 0
	}
	return min(max(*s.Level.Percent, 0), 100)
}

// Text returns the level in words. A receptacle, such as a waste box, tells the space
// left.
func (s supply) Text() string {
	switch {
	case s.Level.Percent != nil && s.Class == "receptacleThatIsFilled":
		return level(*s.Level.Percent) + " free"
	case s.Level.Percent != nil:
		return level(*s.Level.Percent)
	case s.Level.Kind == "some":
		return "some left"
	case s.Level.Kind == "unrestricted":
		return "no limit"
	}
	return "not known"
}

// Ink returns the class of the bar's colour.
func (s supply) Ink() string {
	switch c := strings.ToLower(s.Colorant); c {
	case "black", "cyan", "magenta", "yellow":
		return c
	}
	return "other"
}

// Low reports whether the bar is to warn.
func (s supply) Low() bool { return s.Level.Percent != nil && *s.Level.Percent < 15 }

// Brief returns an event in a few words.
func (e Event) Brief() string {
	if e.Kind() == "reading" {
		var r readingBody
		if json.Unmarshal(e.Data, &r) == nil && r.total() != nil {
			return "total " + number(r.total())
		}
		return "without a total"
	}
	var body map[string]any
	if json.Unmarshal(e.Data, &body) != nil {
		return ""
	}
	for _, name := range []string{"event", "code", "reason", "what"} {
		if text := words(body[name]); text != "" {
			return text
		}
	}
	return ""
}
