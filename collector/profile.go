package collector

// A Profile says what a family of devices tells beyond RFC 3805: where its own
// counters, serial numbers and levels are, and what they mean. It is a TOML file
// without expressions; docs/profiles.md describes it for those who write one.
//
// An object identifier without its instance names a column; with it, an object.
type Profile struct {
	Name      string        `toml:"name"`
	Extends   string        `toml:"extends"`   // name of a profile whose objects are read as well
	Source    string        `toml:"source"`    // where the facts are from: a document, or a repository and path
	Confirmed Confirmed     `toml:"confirmed"` // of meters that do not say it; empty means ByDocument
	Match     []Match       `toml:"match"`     // one of them must fit; none makes a profile to extend only
	SNMP      Manners       `toml:"snmp"`
	Billed    Billed        `toml:"billed"`
	Device    Identity      `toml:"device"`
	Meters    []Counter     `toml:"meter"`
	Tables    []Table       `toml:"table"`
	Sums      []Sum         `toml:"sum"`
	Supplies  []SupplyTable `toml:"supplies"`
}

// A Match is what a device must be for a profile to fit. All that is given must
// hold. The profile whose match has most of it, and the longest, is taken.
type Match struct {
	SysObjectID string `toml:"sys_object_id"` // a branch: the identifier itself, or what lies under it
	Model       string `toml:"model"`         // with * for any text, upper and lower case are alike
	Description string `toml:"description"`   // of sysDescr or hrDeviceDescr, in the same way
}

// Manners are what a family of devices can take. Zero leaves it to the collector,
// which finds out.
type Manners struct {
	Version        string `toml:"version"`         // "1" where what is answered in version 2c is wrong; "" is 2c
	MaxVarbinds    int    `toml:"max_varbinds"`    // names in one question
	MaxRepetitions int    `toml:"max_repetitions"` // values in one answer
	NextOnly       bool   `toml:"next_only"`       // GETNEXT instead of GETBULK
	Unordered      bool   `toml:"unordered"`       // the rows of a column need not come in their order, only each once
}

// Billed says which of several sources of one meter is primary.
type Billed struct {
	By   string `toml:"by"`   // "vendor" or "standard"
	Rule string `toml:"rule"` // why, in a sentence
}

// Identity is where a device tells who it is in its maker's branch. Of each list the
// first that has a text is taken. RFC 3805 comes before all of them.
type Identity struct {
	Serial   []Object `toml:"serial"`
	Model    []Object `toml:"model"`
	Firmware []Object `toml:"firmware"`
}

// An Object is one text object.
type Object struct {
	OID    string `toml:"oid"`
	Decode string `toml:"decode"` // "" or "pml"
}

// A Counter is one counter: an object of its own, or a row of a table.
type Counter struct {
	Name      string    `toml:"name"`   // one of the vocabulary; "" for what PWG has no word for
	Unit      string    `toml:"unit"`   // "" is what the name says
	Format    Format    `toml:"format"` // "" is Life
	Code      string    `toml:"code"`   // the maker's own number, such as "canon:101"
	OID       string    `toml:"oid"`    // of a counter of its own
	Decode    string    `toml:"decode"` // "" or "brother"
	Entry     int       `toml:"entry"`  // of "brother": the id of the entry
	Is        []string  `toml:"is"`     // of a row: what the key column says, one of them
	Confirmed Confirmed `toml:"confirmed"`
	Source    string    `toml:"source"` // where it differs from the profile's
}

// A Table is a run of counters of which another column, or the index, says what they are.
type Table struct {
	Key      string    `toml:"key"`      // the column of types or labels; "" if the index is the key
	Value    string    `toml:"value"`    // the column of the values
	Code     string    `toml:"code"`     // put before the key to make the code, such as "canon"
	Label    string    `toml:"label"`    // the column of names, where the index is the key, for rows that are not listed
	Or       string    `toml:"or"`       // the column of the values of models that have none in value
	Fallback bool      `toml:"fallback"` // only asked of devices that have none of the other tables
	Unlisted bool      `toml:"unlisted"` // rows that are not listed are told too, without a name
	Rows     []Counter `toml:"row"`

	known []int // indexes of the rows, in order, where the index is the key and a number, and the device has no names for others
}

// A Sum is a meter that is added up of others of the same profile, named by their codes. One
// with a minus before its code is taken away.
type Sum struct {
	Name   string   `toml:"name"`
	Of     []string `toml:"of"`   // all of them must be there
	Also   []string `toml:"also"` // added where the device has them
	Format Format   `toml:"format"`
	Source string   `toml:"source"`
}

// A SupplyTable tells levels for rows that RFC 3805 leaves without one. A row belongs to
// the supply of the same colour; the colour is in the row's name, or follows from its
// type, its index, or the id of an entry.
type SupplyTable struct {
	Label   string            `toml:"label"`   // the column of names or types
	Percent string            `toml:"percent"` // the column of levels, or the object with the entries
	Decode  string            `toml:"decode"`  // "" or "brother": each level is an entry of an octet string
	Whole   int64             `toml:"whole"`   // what a full one says; 0 means 100
	Colours map[string]string `toml:"colours"` // by the type, the index, or the id of the entry in hexadecimal
	Levels  map[string]int64  `toml:"levels"`  // percent, of levels that are none as they stand, such as "-100"
	Source  string            `toml:"source"`
}

// apply keeps to the manners of the family.
func (m Manners) apply(l *limits) {
	if m.MaxVarbinds > 0 {
		l.names = min(l.names, m.MaxVarbinds)
	}
	if m.MaxRepetitions > 0 {
		l.values = min(l.values, m.MaxRepetitions)
	}
	l.rowWise = l.rowWise || m.NextOnly
	l.unordered = l.unordered || m.Unordered
}
