package collector

import "time"

// A Reading is what one device said at one moment. Its JSON form is the wire
// format of meteragent.reading.v1 and the output of "read --json": a member that
// is absent was not said by the device; zero means zero.
type Reading struct {
	Device        Device    `json:"device"`
	TakenAt       time.Time `json:"takenAt"`                 // by this machine's clock, UTC
	UptimeSeconds int64     `json:"uptimeSeconds,omitempty"` // sysUpTime (RFC 3418); wraps after 497 days
	Origin        Origin    `json:"origin"`
	Clock         Clock     `json:"clock"`
	Correction    float64   `json:"clockCorrection,omitempty"` // seconds that were added to TakenAt when the clock had been set
	Profile       string    `json:"profile"`                   // which profile read it; "printer-mib" is RFC 3805 alone
	Meters        []Meter   `json:"meters,omitempty"`
	Supplies      []Supply  `json:"supplies,omitempty"`
	Inputs        []Input   `json:"inputs,omitempty"`
	Alerts        []Alert   `json:"alerts,omitempty"`
	Status        Status    `json:"status"`

	// Missing are the groups that were not read to the end, because the device stopped
	// answering: "device", "meters", "supplies", "inputs", "alerts", "console", "vendor".
	Missing []string `json:"missing,omitempty"`

	Traffic Traffic       `json:"-"` // what the reading has cost
	Took    time.Duration `json:"-"` // from the first question to the last answer
	Plan    Plan          `json:"-"` // for the next reading of the device; nil if it is to be read in full
}

// Origin says who made a reading.
type Origin string

// The origins. A reading from the collector is always automatic.
const (
	Automatic Origin = "automatic"
	Manual    Origin = "manual"
	Estimated Origin = "estimated"
)

// Clock says how far TakenAt can be trusted. The collector leaves it empty; the
// agent fills it in.
type Clock string

// The clock qualities.
const (
	ClockSynchronised   Clock = "synchronised"
	ClockUnsynchronised Clock = "unsynchronised"
	ClockUnknown        Clock = "unknown"
	ClockEstimated      Clock = "estimated" // the clock was wrong; the time goes on from when it was last known
	ClockCorrected      Clock = "corrected" // the clock was wrong, has been set since, and the time was put right
)

// A Device is one machine. Its identity is the serial number; the address is
// where it was last seen.
type Device struct {
	// ID is Serial as it stands, or "manufacturer:model:MAC" for a device that tells
	// no serial. "" if the device told neither serial nor MAC: then the caller must
	// name it by its address.
	ID           string `json:"id"`
	Serial       string `json:"serial"` // trimmed, upper case
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Name         string `json:"name"`              // sysName
	Location     string `json:"location"`          // sysLocation
	Contact      string `json:"contact,omitempty"` // sysContact
	MAC          string `json:"mac"`               // lower case with colons
	Address      string `json:"address"`           // as it was asked for
	Port         uint16 `json:"port"`
	SysObjectID  string `json:"sysObjectID"` // without a leading dot
	Firmware     string `json:"firmware"`
}

// A Meter is one counter of one source. Name follows PWG 5106.1:
// <service>.<measure>.<colour>[.<size>], such as "systemTotals.impressions.total"; what
// PWG has no word for is "unnamed." and its maker's own number or label.
// A meter with several sources has several entries of one name; of those that count
// for a lifetime exactly one is Primary, and all are Disputed where the values differ; what
// counts an A3 side twice is compared with its like only.
// A device with several markers has a meter for each, of a service named after the
// marker's instance, "marker1-2.impressions.total", and a sum of them, whose OID
// names its parts with a + between.
type Meter struct {
	Name        string      `json:"name"`
	Value       int64       `json:"value"` // counted in Unit
	Unit        string      `json:"unit"`  // prtMarkerCounterUnit's word: "impressions", "sheets", "hours", ...; "unknown" if not said
	Format      Format      `json:"format"`
	Persistence Persistence `json:"persistence"`
	Code        string      `json:"code,omitempty"` // the vendor's own number, such as "canon:101"
	OID         string      `json:"oid"`            // the exact instance read, without a leading dot; of a sum its parts, with their signs between
	Primary     bool        `json:"primary,omitempty"`
	Confirmed   Confirmed   `json:"confirmed,omitempty"` // of a vendor's counter: how its meaning is known
	Quality     Quality     `json:"quality"`
}

// Format says how an A3 side counts.
type Format string

// The formats.
const (
	Life          Format = "life"       // an A3 side counts one
	Equivalent    Format = "equivalent" // an A3 side counts two
	FormatUnknown Format = "unknown"
)

// Persistence says when a meter goes back to zero.
type Persistence string

// The persistences of PWG 5106.3, IcPersistenceTC.
const (
	Lifetime Persistence = "lifetime"
	PowerOn  Persistence = "powerOn"
	Reset    Persistence = "reset"
)

// Confirmed says how the meaning of a vendor's counter is known. It is empty for the
// counters of RFC 3805.
type Confirmed string

// The ways.
const (
	OnDevice   Confirmed = "device"   // compared with another counter, a label or the panel of a real device
	ByDocument Confirmed = "document" // a document or published program says so
)

// Quality says whether the sources of a meter agree.
type Quality string

// The qualities.
const (
	Good     Quality = "good"
	Disputed Quality = "disputed"
)

// A Supply is one row of prtMarkerSuppliesTable: a toner, a drum, a waste box.
// Key is its instance, "hrDeviceIndex.prtMarkerSuppliesIndex", stable for the life
// of the device; Description is the vendor's text and may change.
type Supply struct {
	Key          string `json:"key"`
	Description  string `json:"description"`
	Class        string `json:"class"`              // "supplyThatIsConsumed", "receptacleThatIsFilled", "other", or "" if not said
	Type         string `json:"type"`               // PrtMarkerSuppliesTypeTC's word: "toner", "tonerCartridge", "opc", ...
	Colorant     string `json:"colorant"`           // "black", "cyan", ...: prtMarkerColorantValue in lower case and English, or the colour in Description; "" if none
	Unit         string `json:"unit"`               // PrtMarkerSuppliesSupplyUnitTC's word
	Capacity     *int64 `json:"capacity,omitempty"` // prtMarkerSuppliesMaxCapacity in Unit, only if positive
	Level        Level  `json:"level"`
	PartNumber   string `json:"partNumber"`
	SerialNumber string `json:"serialNumber"`
}

// An Input is one row of prtInputTable: a tray.
type Input struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	Capacity *int64 `json:"capacity,omitempty"` // prtInputMaxCapacity, in sheets unless the device says otherwise
	Level    Level  `json:"level"`
	Media    string `json:"media"`
}

// A Level is never a bare number: most of the wrong orders of this field come
// from reading -3 as a percentage.
type Level struct {
	Kind    LevelKind `json:"kind"`
	Value   *int64    `json:"value,omitempty"`   // as the device said it, in the row's unit
	Percent *float64  `json:"percent,omitempty"` // 0 to 100, one decimal; of a receptacle the space left
}

// LevelKind says what a level means.
type LevelKind string

// The kinds of level. Raw values are those of prtMarkerSuppliesLevel (RFC 3805).
const (
	Measured     LevelKind = "measured"     // 0 or more with a known capacity, or a unit of percent
	Absolute     LevelKind = "absolute"     // 0 or more, capacity unknown: no percentage follows
	Some         LevelKind = "some"         // -3: something is left, nobody knows how much
	Unknown      LevelKind = "unknown"      // -2, or the object is missing
	Unrestricted LevelKind = "unrestricted" // -1
	VendorLevel  LevelKind = "vendor"       // mapped from a vendor's own steps by a profile
	Invalid      LevelKind = "invalid"      // out of range, such as 150 of 100
)

// An Alert is one row of prtAlertTable.
type Alert struct {
	Severity    string `json:"severity"` // "critical", "warning", "warningBinaryChangeEvent", "other"
	Group       string `json:"group"`    // PrtAlertGroupTC's word: "markerSupplies", "input", ...
	GroupIndex  int64  `json:"groupIndex"`
	Location    int64  `json:"location"`
	Code        string `json:"code"` // PrtAlertCodeTC's word, or the number in decimal
	Description string `json:"description"`
	Training    string `json:"training"` // "untrained", "trained", "fieldService", "management", ...
}

// Status is what the device says of itself at the moment.
type Status struct {
	Device  string   `json:"device"`            // hrDeviceStatus: "running", "warning", "down", ...
	Printer string   `json:"printer"`           // hrPrinterStatus: "idle", "printing", "warmup", ...
	Errors  []string `json:"errors,omitempty"`  // hrPrinterDetectedErrorState: "lowToner", "jammed", ...
	Console []string `json:"console,omitempty"` // prtConsoleDisplayBufferText, one entry a line, blank ones kept
}
