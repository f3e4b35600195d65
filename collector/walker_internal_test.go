package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A tampered session is a recording whose answers are spoilt on the way.
type tampered struct {
	*Recording
	rowWise bool
	asked   []question
	spoil   func(q question, a answer) (answer, error)
}

func (t *tampered) bulk() bool { return !t.rowWise }

func (t *tampered) ask(ctx context.Context, q question) (answer, error) {
	t.asked = append(t.asked, q)
	a, err := t.Recording.ask(ctx, q)
	if err != nil || t.spoil == nil {
		return a, err
	}
	return t.spoil(q, a)
}

func recording(t testing.TB, device string) *Recording {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "devices", device, "walk.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := ParseRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// readAll reads a session and returns the reading, without its time.
func readAll(t *testing.T, s session) Reading {
	t.Helper()
	l := startingLimits()
	q := query{session: s, limits: &l, found: harvest{}}
	if err := q.read(context.Background()); err != nil {
		t.Fatal(err)
	}
	return q.found.reading(time.Time{}, nil)
}

func TestQuestionsOfAFullReading(t *testing.T) {
	for _, c := range []struct {
		device  string
		rowWise bool
		most    int
	}{
		{"colour-mfp", false, 3}, {"colour-mfp", true, 6},
		{"mono-laser", false, 4}, {"ink-some-left", false, 3}, {"awkward", false, 7}, {"awkward", true, 9},
	} {
		s := &tampered{Recording: recording(t, c.device), rowWise: c.rowWise}
		readAll(t, s)
		if len(s.asked) > c.most {
			t.Errorf("%s, row by row %v: %d questions, want at most %d", c.device, c.rowWise, len(s.asked), c.most)
		}
		for _, q := range s.asked {
			if n := q.values(); n > startingLimits().values {
				t.Errorf("%s: a question for %d values", c.device, n)
			}
		}
	}
}

// However a device is asked, the reading is the same.
func TestRowWiseReadsTheSame(t *testing.T) {
	for _, device := range []string{"colour-mfp", "mono-laser", "ink-some-left", "awkward"} {
		want := readAll(t, recording(t, device))
		got := readAll(t, &tampered{Recording: recording(t, device), rowWise: true})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", device, diff)
		}
	}
}

// A device that refuses, garbles or drops some questions is read all the same.
func TestTroubleCostsNothing(t *testing.T) {
	always := func(what func(q question) (answer, error)) func(question, answer) (answer, error) {
		return func(q question, a answer) (answer, error) {
			if bad, err := what(q); err != nil || bad.status != noError {
				return bad, err
			}
			return a, nil
		}
	}
	onlyOnce := func(bad answer, err error) func(question, answer) (answer, error) {
		n := 0
		return func(q question, a answer) (answer, error) {
			if n++; n == 2 {
				return bad, err
			}
			return a, nil
		}
	}
	for _, c := range []struct {
		name  string
		most  int // questions
		spoil func(question, answer) (answer, error)
	}{
		{"tooBig above 20 values", 16, always(func(q question) (answer, error) {
			if q.values() > 20 {
				return answer{status: tooBig}, nil
			}
			return answer{}, nil
		})},
		{"genErr above 10 names", 20, always(func(q question) (answer, error) {
			if len(q.names) > 10 {
				return answer{status: 5, index: 1}, nil
			}
			return answer{}, nil
		})},
		{"GETBULK refused", 16, always(func(q question) (answer, error) {
			if q.repetitions > 0 {
				return answer{status: 5}, nil
			}
			return answer{}, nil
		})},
		{"answers cut after 7 values", 30, func(q question, a answer) (answer, error) {
			a.variables = a.variables[:min(len(a.variables), 7)]
			return a, nil
		}},
		{"more values than asked for", 3, func(q question, a answer) (answer, error) {
			a.variables = append(a.variables, a.variables...)
			return a, nil
		}},
		{"nonsense once", 4, onlyOnce(answer{}, errGarbled)},
		{"no values once", 4, onlyOnce(answer{}, nil)},
		{"tooBig once", 6, onlyOnce(answer{status: tooBig}, nil)},
		{"genErr about one name once", 6, onlyOnce(answer{status: 5, index: 2}, nil)},
		{"genErr about a name that is not there", 6, onlyOnce(answer{status: 5, index: 200}, nil)},
		{"old values once", 4, onlyOnce(answer{variables: []variable{{name: "1.3.6.1", kind: integer}, {name: "1.3.6.1", kind: integer}}}, nil)},
		{"silence once", 6, onlyOnce(answer{}, errPassedOver)},
	} {
		s := &tampered{Recording: recording(t, "colour-mfp"), spoil: c.spoil}
		if diff := cmp.Diff(readAll(t, recording(t, "colour-mfp")), readAll(t, s)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if len(s.asked) > c.most {
			t.Errorf("%s: %d questions, want at most %d", c.name, len(s.asked), c.most)
		}
	}
}

// One object that the device cannot tell costs that object, or the rest of its
// column, and nothing else.
func TestOneBadObject(t *testing.T) {
	for name, bad := range map[string]answer{
		"genErr with its index": {status: 5, index: -1},
		"genErr":                {status: 5},
		"garbled":               {},
	} {
		for _, rowWise := range []bool{false, true} {
			s := &tampered{Recording: recording(t, "colour-mfp"), rowWise: rowWise}
			s.spoil = func(q question, a answer) (answer, error) {
				for i, v := range a.variables {
					if v.name != prtMarkerSuppliesDescription+".1.3" {
						continue
					}
					if bad.status == noError {
						return answer{}, errGarbled
					}
					if bad.index < 0 && i < len(q.names) {
						return answer{status: bad.status, index: i + 1}, nil
					}
					return answer{status: bad.status}, nil
				}
				return a, nil
			}
			want := readAll(t, recording(t, "colour-mfp"))
			for i := 2; i < len(want.Supplies); i++ {
				want.Supplies[i].Description = ""
			}
			if diff := cmp.Diff(want, readAll(t, s)); diff != "" {
				t.Errorf("%s, row by row %v: %s", name, rowWise, diff)
			}
			if len(s.asked) > 40 {
				t.Errorf("%s, row by row %v: %d questions", name, rowWise, len(s.asked))
			}
		}
	}
}

// Version 1 has no value for "nothing after this": it refuses the whole question.
func TestVersion1EndOfMIB(t *testing.T) {
	for _, device := range []string{"colour-mfp", "awkward"} {
		s := &tampered{Recording: recording(t, device), rowWise: true}
		s.spoil = func(q question, a answer) (answer, error) {
			for i, v := range a.variables {
				if v.kind == end {
					return answer{status: noSuchName, index: i + 1}, nil
				}
			}
			return a, nil
		}
		if diff := cmp.Diff(readAll(t, recording(t, device)), readAll(t, s)); diff != "" {
			t.Errorf("%s: %s", device, diff)
		}
		if len(s.asked) > 20 {
			t.Errorf("%s: %d questions", device, len(s.asked))
		}
	}
}

// A column that turns in circles is given up, the others are read.
func TestCircles(t *testing.T) {
	for _, rowWise := range []bool{false, true} {
		s := &tampered{Recording: recording(t, "colour-mfp"), rowWise: rowWise}
		s.spoil = func(q question, a answer) (answer, error) {
			for i, v := range a.variables {
				if strings.HasPrefix(v.name, prtMarkerSuppliesType+".") {
					a.variables[i].name = prtMarkerSuppliesType + ".1.1"
				}
			}
			return a, nil
		}
		r := readAll(t, s)
		if len(r.Supplies) != 5 || r.Supplies[4].Level.Kind != Measured || len(r.Inputs) != 5 {
			t.Errorf("row by row %v: got %+v", rowWise, r.Supplies)
		}
		if len(s.asked) > 20 {
			t.Errorf("row by row %v: %d questions", rowWise, len(s.asked))
		}
	}
}

// A device that never comes to an end is cut, and what was read of it stands.
func TestEndlessTables(t *testing.T) {
	s := &tampered{Recording: recording(t, "colour-mfp"), rowWise: true}
	row := 0
	s.spoil = func(q question, a answer) (answer, error) {
		for i, name := range q.names {
			if under(printerMIB, name) {
				column := strings.Join(strings.Split(name, ".")[:11], ".")
				row++
				a.variables[i] = variable{name: fmt.Sprintf("%s.1.%d", column, row), kind: integer, num: 1}
			}
		}
		return a, nil
	}
	r := readAll(t, s)
	if len(s.asked) > maxQuestions {
		t.Errorf("%d questions", len(s.asked))
	}
	if r.Device.MAC == "" || len(r.Supplies) == 0 || len(r.Supplies) > 10*64 {
		t.Errorf("got MAC %q and %d supplies", r.Device.MAC, len(r.Supplies))
	}
}

// A device that falls silent in the middle has been read as far as it went.
func TestSilentInTheMiddle(t *testing.T) {
	s := &tampered{Recording: recording(t, "colour-mfp")}
	s.spoil = func(q question, a answer) (answer, error) {
		if len(s.asked) > 1 {
			return answer{}, errSilent
		}
		return a, nil
	}
	r := readAll(t, s)
	if r.Device.Serial != "TST00001" || len(r.Meters) != 2 || len(s.asked) != 2 {
		t.Errorf("got %+v after %d questions", r, len(s.asked))
	}
}

// A device that never tells one of its columns, and is silent on every question that comes across
// it, is read but for that column. The first reading says what it lacks; what the next one
// does not get either is not there.
func TestSilentColumn(t *testing.T) {
	for _, rowWise := range []bool{false, true} {
		plain := &tampered{Recording: recording(t, "colour-mfp"), rowWise: rowWise}
		l := startingLimits()
		whole := query{session: plain, limits: &l, found: harvest{}}
		if err := whole.read(context.Background()); err != nil {
			t.Fatal(err)
		}
		for column := range whole.found {
			if len(whole.found[column]) == 0 {
				continue
			}
			s := &tampered{Recording: plain.Recording, rowWise: rowWise}
			silences := 0
			s.spoil = func(_ question, a answer) (answer, error) {
				if slices.ContainsFunc(a.variables, func(v variable) bool { return under(column, v.name) }) {
					silences++
					return answer{}, errPassedOver
				}
				return a, nil
			}
			l := startingLimits()
			for reading := range 2 {
				silences, s.asked = 0, nil
				q := query{session: s, limits: &l, found: harvest{}}
				err := q.read(context.Background())
				what := fmt.Sprintf("row wise %t, column %s, reading %d", rowWise, column, reading+1)
				if column == prtGeneralSerialNumber && reading == 0 {
					if !errors.Is(err, errSilent) {
						t.Errorf("%s: got %v", what, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", what, err)
					continue
				}
				for other := range whole.found {
					if got, want := len(q.found.column(other)), len(whole.found.column(other)); other != column && got != want {
						t.Errorf("%s: of %s %d objects were read, not %d", what, other, got, want)
					}
				}
				if lacks := len(q.missing) > 0; lacks != (reading == 0) || lacks && !slices.Contains(q.missing, groupOf(column)) {
					t.Errorf("%s: it lacks %v", what, q.missing)
				}
				if silences > 8 || len(s.asked) > 60+len(plain.asked) {
					t.Errorf("%s: %d questions, on %d of them silence", what, len(s.asked), silences)
				}
				if planned := q.plan != nil; planned != (reading == 1) {
					t.Errorf("%s: has it a plan? %t", what, planned)
				}
				if q.plan != nil {
					tryPlan(t, what, q.plan, s)
				}
			}
		}
	}
}

// tryPlan fails if the device is silent on a question of the plan.
func tryPlan(t *testing.T, what string, p *plan, s session) {
	t.Helper()
	for _, scope := range []Scope{Full, Supplies} {
		questions, _ := p.ask(scope)
		for _, planned := range questions {
			if _, err := s.ask(context.Background(), planned.question); err != nil {
				t.Errorf("%s: the plan's question: %v", what, err)
			}
		}
	}
}

func TestNothingButTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		bad  answer
		err  error
		want error
	}{
		"silence":                           {err: errSilent, want: errSilent},
		"silence about everything":          {err: errPassedOver, want: errSilent},
		"garbage":                           {err: errGarbled, want: ErrMalformed},
		"genErr":                            {bad: answer{status: 5, index: 1}, want: ErrMalformed},
		"noSuchName of version 2c":          {bad: answer{status: noSuchName, index: 1}, want: ErrMalformed},
		"always the same":                   {bad: answer{variables: []variable{{name: "1.3.6.1.2.1.1.1.0", kind: octets}}}, want: ErrMalformed},
		"other objects than were asked for": {bad: answer{variables: []variable{{name: "1.3.9.1.0", kind: octets}}}, want: ErrMalformed},
		"a broken network":                  {err: os.ErrPermission, want: os.ErrPermission},
	} {
		s := &tampered{Recording: &Recording{}}
		s.spoil = func(q question, a answer) (answer, error) { return c.bad, c.err }
		l := startingLimits()
		q := query{session: s, limits: &l, found: harvest{}}
		err := q.read(context.Background())
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if len(s.asked) > maxQuestions {
			t.Errorf("%s: %d questions", name, len(s.asked))
		}
	}
}

func TestLimitsRelax(t *testing.T) {
	l := limits{names: 1, values: 1, rowWise: true}
	for range 30 {
		l.relax()
	}
	if want := (limits{names: startingLimits().names, values: startingLimits().values, rowWise: true}); !cmp.Equal(l, want, cmp.AllowUnexported(limits{})) {
		t.Errorf("got %+v, want %+v", l, want)
	}
}
