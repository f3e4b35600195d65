package collector

import (
	"slices"
	"strconv"
	"strings"
)

// A harvest is what was read: by the name of the column its instances, in the order
// in which the device told them.
type harvest map[string][]variable

// add notes values of the table with this entry, which are in the order of the device.
func (h harvest) add(entry string, values []variable) {
	for len(values) > 0 {
		number, _, _ := strings.Cut(values[0].name[len(entry)+1:], ".")
		column, n := values[0].name[:len(entry)+1+len(number)], 1
		for n < len(values) && under(column, values[n].name) {
			n++
		}
		h[column] = append(h[column], values[:n:n]...)
		values = values[n:]
	}
}

// first returns the first instance of a column; of kind nothing if there is none.
func (h harvest) first(column string) variable {
	if len(h[column]) == 0 {
		return variable{}
	}
	return h[column][0]
}

// at returns the instance of a column with this index.
func (h harvest) at(column, index string) variable {
	for _, v := range h[column] {
		if v.name[len(column)+1:] == index {
			return v
		}
	}
	return variable{}
}

// rows returns the indexes that any of these columns has, in the order of the
// device. Columns of one table may have different rows.
func (h harvest) rows(columns ...string) []string {
	var indexes []string
	for _, column := range columns {
		for i, v := range h[column] {
			index := v.name[len(column)+1:]
			if i < len(indexes) && indexes[i] == index {
				continue // nearly always
			}
			if indexes == nil {
				indexes = make([]string, 0, len(h[column]))
			}
			if i, found := slices.BinarySearchFunc(indexes, index, compareOID); !found {
				indexes = slices.Insert(indexes, i, index)
			}
		}
	}
	return indexes
}

// device returns the hrDeviceIndex of the printer: every index of the printer MIB
// begins with it. It is "" if nothing says it.
func (h harvest) device() string {
	for _, column := range []string{
		hrPrinterStatus, hrPrinterDetectedErrorState, prtGeneralSerialNumber, prtGeneralPrinterName,
		prtMarkerLifeCount, prtMarkerSuppliesLevel, prtMarkerSuppliesDescription, prtInputMaxCapacity,
	} {
		if v := h.first(column); v.kind != nothing {
			index, _, _ := strings.Cut(v.name[len(column)+1:], ".")
			return index
		}
	}
	return ""
}

// number returns the value of a variable that is a number. Some devices tell numbers
// as text, with blanks and NULs around.
func (v variable) number() (n int64, ok bool) {
	if v.kind == octets && len(v.text) <= 24 {
		n, err := strconv.ParseInt(strings.Trim(v.text, " \x00"), 10, 64)
		return n, err == nil
	}
	return v.num, v.kind == integer
}

// signed returns the value of an Integer32. Some devices tell it as if it had no sign:
// then -3 is 4294967293.
func (v variable) signed() (n int64, ok bool) {
	n, ok = v.number()
	if n >= 1<<31 && n < 1<<32 {
		n -= 1 << 32
	}
	return n, ok
}

// count returns the value of a counter. A negative number is none, and none is
// larger than what JSON can carry.
func (v variable) count() (n int64, ok bool) {
	n, ok = v.number()
	return n, ok && n >= 0 && n <= 1<<53
}
