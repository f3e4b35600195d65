package collector

import (
	"slices"
	"strconv"
	"strings"
)

// A span is a run of neighbouring columns of one table that a reading needs.
type span struct {
	from, to string // the first and the last column
	after    string // the index to begin after; "" for the beginning
	rows     int    // how many to expect; 0 if only the first instance is wanted
	most     int    // how many are taken; a table with more is cut

	// indexes are those of interest, in order, if they are known. Row by row they are
	// asked for all at once instead of one after the other.
	indexes []int
}

// one is the first instance of one column.
func one(column string) span { return span{from: column, to: column} }

// A walk is how far the reading of a span has come. It reads column by column:
// first all rows of the first column, then those of the next one.
type walk struct {
	span
	values  []variable // what was read
	entry   string     // of the table: the name of a column without its number
	column  int        // the number of the column being read
	end     int        // the number of the last column
	last    string     // the name to go on from
	count   int        // rows of this column so far
	height  int        // rows of the first column, once it has ended; 0 before
	circle  int        // how often the device has told nothing new
	done    bool
	suspect bool // the device blames it for an error; it is asked by itself
	silent  bool // the device may have been silent because of it; it is asked by itself
	wary    bool // the device passes over some of it in silence; it is asked by itself, after all others
	room    int  // of a wary walk: values in one answer; 0 for as many as the device can take

	unordered bool // its rows may come in another order, each once
}

func newWalk(s span) walk {
	dot := strings.LastIndexByte(s.from, '.')
	w := walk{span: s, entry: s.from[:dot], last: s.from}
	w.column, _ = strconv.Atoi(s.from[dot+1:])
	w.end, _ = strconv.Atoi(s.to[dot+1:])
	if s.after != "" {
		w.last += "." + s.after
	}
	return w
}

// comesAcross says whether a column is still to be read.
func (w *walk) comesAcross(column string) bool {
	n := columnOf(w.entry, column+".0")
	return n >= w.column && n <= w.end && n > 0
}

// skip gives up the rest of this column. What follows it is still read.
func (w *walk) skip() {
	if w.column == w.end {
		w.done = true
		return
	}
	w.column, w.count, w.circle = w.column+1, 0, 0
	w.last = w.entry + "." + strconv.Itoa(w.column)
}

// want is how many more values the device is expected to have for this walk, with
// the one behind its end that shows that it has ended. It is 1 or more.
func (w *walk) want() int {
	if w.rows == 0 {
		return 1
	}
	height := w.height
	if height == 0 {
		height = max(w.rows, w.count+w.count/2+1)
	}
	return max(height-w.count, 0) + (w.end-w.column)*height + 1
}

// take notes the next value the device told for this walk, and returns false if
// the rest of the same answer is of no use to it.
func (w *walk) take(v variable) bool {
	column := columnOf(w.entry, v.name)
	switch {
	case v.kind == end || column == 0 || column > w.end:
		w.done = true // the table has ended
		return false
	case !w.isNext(v.name):
		if w.circle++; w.circle > 1 {
			w.skip()
		}
		return false
	case column != w.column:
		if w.height == 0 {
			w.height = w.count
		}
		w.column, w.count = column, 0
	}
	if w.values == nil {
		w.values = make([]variable, 0, w.want())
	}
	v.after = w.last
	w.values = append(w.values, v)
	w.last = v.name
	w.count++
	w.circle = 0
	switch {
	case w.rows == 0:
		w.done = true
		return false
	case w.count == w.most:
		w.skip()
		return false
	}
	return true
}

// identifies says whether a profile may be chosen by what is read.
func (w *walk) identifies() bool {
	return w.from == sysObjectID || w.from == sysDescr || w.from == hrDeviceDescr
}

// isNext says whether a name may follow the last one. Only rows of the same column may
// be out of order, and only new ones, so that no device goes on for ever.
func (w *walk) isNext(name string) bool {
	if compareOID(name, w.last) > 0 {
		return true
	}
	known := func(v variable) bool { return v.name == name }
	return w.unordered && columnOf(w.entry, name) == w.column && !slices.ContainsFunc(w.values, known)
}

// split leaves to the walk the column that it is reading, and returns walks for
// those after it.
func (w *walk) split() []walk {
	var walks []walk
	if w.count == 0 && !w.done && !w.unordered {
		for _, index := range w.indexes {
			walks = append(walks, newWalk(span{from: w.from, to: w.to, after: strconv.Itoa(index - 1)}))
			w.done = true
		}
	}
	for column := w.column + 1; column <= w.end && !w.done; column++ {
		name := w.entry + "." + strconv.Itoa(column)
		walks = append(walks, newWalk(span{from: name, to: name, rows: max(w.rows, w.height), most: w.most}))
	}
	w.end = w.column
	return walks
}
