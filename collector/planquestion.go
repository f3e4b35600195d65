package collector

// A plannedQuestion is a question, and for each value of its answer the object of the
// plan that it should be; -1 for one that nobody waits for.
type plannedQuestion struct {
	question
	objects []int
}

// maxPlannedAnswer is what fits an Ethernet frame, with some room for values that grow.
const maxPlannedAnswer = 1300

// maxRepetitions is how far a planned question goes down a column.
const maxRepetitions = 16

// A piece is a part of a question: one name, and the objects that follow it.
type piece struct {
	objects  []int
	repeated bool
}

// prepare writes down what a reading of this scope asks: for what changes, and for what
// shows that the rest has not. An object is asked for as the one after what it followed
// when the plan was learnt, so that a row that has come between them is noticed. Objects
// that follow each other are a run.
func (p *plan) prepare(s Scope) []byte {
	runs := p.runs(s)
	return writeQuestions(p.cutUp(runs, p.cheapest(runs)))
}

// cheapest is with how many repetitions the fewest octets go both ways. With GETBULK
// several runs are gone down equally far, and a longer run is cut into several of that
// length.
func (p *plan) cheapest(runs [][]int) int {
	best, least := 0, p.cost(runs, 0)
	for repetitions := 2; repetitions <= maxRepetitions && !p.limits.rowWise; repetitions++ {
		if cost := p.cost(runs, repetitions); cost < least {
			best, least = repetitions, cost
		}
	}
	return best
}

// cutUp makes as few questions of runs as the device can take.
func (p *plan) cutUp(runs [][]int, repetitions int) []plannedQuestion {
	var list []plannedQuestion
	var pieces []piece
	names, values, size := 0, 0, 0
	for _, run := range runs {
		for len(run) > 0 {
			var one piece
			one, run = p.cut(run, repetitions)
			n, octets := p.weight(one, repetitions)
			if names > 0 && (names == p.limits.names || values+n > p.limits.values || size+octets > maxPlannedAnswer) {
				list = append(list, p.compose(pieces, repetitions))
				pieces, names, values, size = nil, 0, 0, 0
			}
			pieces, names, values, size = append(pieces, one), names+1, values+n, size+octets
		}
	}
	if len(pieces) > 0 {
		list = append(list, p.compose(pieces, repetitions))
	}
	return list
}

// runs are the objects to ask for in a reading of this scope.
func (p *plan) runs(s Scope) [][]int {
	var runs [][]int
	asked := make([]int, 0, len(p.objects)) // the runs are parts of it
	last, from := -1, 0
	for _, c := range p.columns {
		if s == Supplies && onlyFull(c.name) {
			continue
		}
		for i := c.from; i < c.to; i++ {
			if p.marks[i].role == fixed {
				continue
			}
			asked = append(asked, i)
			if last >= 0 && p.marks[last].role != absent && p.objects[i].after == p.objects[last].name {
				runs[len(runs)-1] = asked[from:]
			} else {
				from = len(asked) - 1
				runs = append(runs, asked[from:])
			}
			last = i
		}
	}
	return runs
}

// cut takes the first piece off a run, and returns the rest of the run.
func (p *plan) cut(run []int, repetitions int) (one piece, rest []int) {
	one = piece{objects: run[:1]}
	n := min(repetitions, len(run))
	if n < 2 {
		return one, run[1:]
	}
	together := piece{objects: run[:n], repeated: true}
	apart := 0
	for _, i := range run[:n] {
		apart += p.nameSize(i) + p.valueSize(i)
	}
	if _, octets := p.weight(together, repetitions); p.nameSize(run[0])+octets < apart {
		return together, run[n:]
	}
	return one, run[1:]
}

// cost is how many octets go both ways.
func (p *plan) cost(runs [][]int, repetitions int) int {
	sum := 0
	for _, run := range runs {
		for len(run) > 0 {
			var one piece
			one, run = p.cut(run, repetitions)
			_, octets := p.weight(one, repetitions)
			sum += p.nameSize(one.objects[0]) + octets
		}
	}
	return sum
}

// weight is how many values the answer to a piece has, and about how many octets. What
// comes behind the last object nobody knows; it is taken for one like that.
func (p *plan) weight(one piece, repetitions int) (values, octets int) {
	values = 1
	if one.repeated {
		values = repetitions
	}
	for _, i := range one.objects {
		octets += p.valueSize(i)
	}
	last := one.objects[len(one.objects)-1]
	return values, octets + (values-len(one.objects))*p.valueSize(last)
}

// nameSize and valueSize are the octets of an object in a question and in its answer: a
// number of the name is mostly one digit and one octet.
func (p *plan) nameSize(i int) int { return 6 + len(p.objects[i].after)/2 }

func (p *plan) valueSize(i int) int {
	o := &p.objects[i]
	if o.kind == octets || o.kind == identifier {
		return 6 + len(o.name)/2 + len(o.text)
	}
	return 9 + len(o.name)/2
}

// compose makes a question of pieces: first those of one value, then the others.
func (p *plan) compose(pieces []piece, repetitions int) plannedQuestion {
	q := plannedQuestion{question: question{names: make([]string, 0, len(pieces))}, objects: make([]int, 0, p.limits.values)}
	var repeated []piece
	for _, one := range pieces {
		if one.repeated {
			repeated = append(repeated, one)
			continue
		}
		q.names = append(q.names, p.objects[one.objects[0]].after)
		q.objects = append(q.objects, one.objects[0])
	}
	if len(repeated) == 0 {
		return q
	}
	q.nonRepeaters, q.repetitions = len(q.names), repetitions
	for _, one := range repeated {
		q.names = append(q.names, p.objects[one.objects[0]].after)
	}
	for i := range repetitions {
		for _, one := range repeated {
			object := -1
			if i < len(one.objects) {
				object = one.objects[i]
			}
			q.objects = append(q.objects, object)
		}
	}
	return q
}
