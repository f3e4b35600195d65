package portal

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Bounds of the memory for what was seen.
const (
	mostLanes = 10000
	mostSpans = 10000 // of one lane
)

type laneKey struct{ source, stream, lane string }

// A lane remembers which records of one numbering arrived.
type lane struct {
	taken   spans
	refused spans
	heard   time.Time
}

// lane returns what is known of a lane, forgetting the one not heard of for longest
// if there are too many. The caller holds mu.
func (p *Portal) lane(key laneKey, now time.Time) *lane {
	l := p.lanes[key]
	if l == nil {
		if len(p.lanes) >= mostLanes {
			delete(p.lanes, oldest(p.lanes, func(l *lane) time.Time { return l.heard }))
		}
		l = &lane{}
		p.lanes[key] = l
	}
	l.heard = now
	return l
}

// oldest returns the key of the value with the earliest time.
func oldest[K comparable, V any](m map[K]V, at func(V) time.Time) K {
	var first K
	var when time.Time
	for key, value := range m {
		if t := at(value); when.IsZero() || t.Before(when) {
			first, when = key, t
		}
	}
	return first
}

// A Hole is a run of sequence numbers that did not arrive although later ones did.
type Hole struct {
	Source string `json:"source"`
	Stream string `json:"stream"`
	Lane   string `json:"lane"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
}

// Holes returns every hole. A refused record is none: it arrived.
func (p *Portal) Holes() []Hole {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holes()
}

func (p *Portal) holes() []Hole {
	holes := []Hole{}
	for key, l := range p.lanes {
		arrived := slices.Clone(l.taken)
		for _, s := range l.refused {
			arrived.insert(s)
		}
		next := uint64(1)
		for _, s := range arrived {
			if s.first > next {
				holes = append(holes, Hole{key.source, key.stream, key.lane, next, s.first - 1})
			}
			next = s.last + 1
		}
	}
	sort.SliceStable(holes, func(i, j int) bool {
		a, b := holes[i], holes[j]
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.First, b.First)) < 0
	})
	return holes
}

// Spans are sequence numbers, from 1, as runs, ascending, never touching one another.
// Without holes that is one run, however many records arrived.
type spans []span

type span struct{ first, last uint64 }

func (s spans) has(n uint64) bool {
	i := s.after(n)
	return i > 0 && n <= s[i-1].last
}

// after returns the index of the first run that starts after n.
func (s spans) after(n uint64) int {
	i, _ := slices.BinarySearchFunc(s, n, func(r span, n uint64) int {
		if r.first <= n {
			return -1
		}
		return 1
	})
	return i
}

func (s *spans) add(n uint64) { s.insert(span{n, n}) }

// insert adds a run and joins those it touches. If there are too many runs, the two
// lowest become one: what was missing between them counts as arrived from then on.
func (s *spans) insert(n span) {
	from := s.after(n.first)
	if from > 0 && (*s)[from-1].last >= n.first-1 {
		from--
	}
	to := from
	for to < len(*s) && (*s)[to].first-1 <= n.last {
		n.first = min(n.first, (*s)[to].first)
		n.last = max(n.last, (*s)[to].last)
		to++
	}
	*s = slices.Replace(*s, from, to, n)
	if len(*s) > mostSpans {
		*s = slices.Replace(*s, 0, 2, span{(*s)[0].first, (*s)[1].last})
	}
}
