package config

import (
	"log/slog"
	"time"
)

// A Config is what one file says, laid over the defaults. Paths in it are
// absolute; addresses, globs and ranges have been checked.
type Config struct {
	Customer  string   // customer number, as on the invoice
	Site      string   // name of this place, for people; may be empty
	Portals   []Portal // [portal] or [[portal]], at least one
	Privacy   Privacy
	Networks  []Network // [[network]], at least one
	Poll      Poll
	Discovery Discovery
	Toner     Toner
	Devices   []Device // [[device]], the contract list and exceptions from [toner]
	Page      Page
	Store     Store
	Update    Update
	Log       Log
}

// Update says whether and from where the program replaces itself by a newer one.
type Update struct {
	URL       string // of a TUF repository; "" for no updates from the network
	Root      string // path of the keys that may sign; "" for no updates at all
	Automatic bool
	Every     time.Duration // between two looks for a newer version
	Probation time.Duration // in which a new version must read and deliver
}

// Privacy says what leaves the building besides counters, supplies and alerts. What is
// false is not sent, and not stored for sending.
type Privacy struct {
	Name     bool // sysName
	Location bool // sysLocation
	Contact  bool // sysContact
	Address  bool // IP address or host name, and port
	MAC      bool
	Console  bool // what the panel shows
}

// A Network is a part of the customer's network that is searched for copiers.
type Network struct {
	Addresses []string // each as collector.ParseRange reads it
	Exclude   []string // ranges of Addresses that are never asked
	Users     []User   // of SNMPv3, tried in this order before the community
	Community Secret   // "" if only users are to be tried
	Version   string   // "auto", "1" or "2c"
	Port      uint16
	Quiet     *Hours // in which nothing is asked; nil follows Poll
}

// Poll says how often and how gently copiers are asked.
type Poll struct {
	Meters   time.Duration // between two full readings of one copier
	Supplies time.Duration // between two readings of its supplies and alerts
	Parallel int           // copiers asked at the same time
	Timeout  time.Duration // the longest wait for an answer
	Rate     int           // packets a second into one network of 256 addresses, searching included
	Quiet    Hours         // in which nothing is asked and nothing searched
	Wake     bool          // read copiers that sleep as if they did not
}

// QuietOf is when a network is left alone.
func (c Config) QuietOf(n Network) Hours {
	if n.Quiet != nil {
		return *n.Quiet
	}
	return c.Poll.Quiet
}

// Discovery says how often the networks are searched for new copiers, and how.
type Discovery struct {
	Every     time.Duration
	Rate      int           // packets a second
	LostAfter time.Duration // a copier that is silent for so long is searched for, then called lost
	MDNS      bool          // ask by multicast DNS in between which printers there are
	Broadcast bool          // ask by a broadcast of SNMP in between
}

// Toner holds the rules of the automatic order. OrderBelow is a percentage from 1
// to 90, here and in TonerRule; 0 means that nothing is ordered by itself.
type Toner struct {
	Mode          string // "order", "suggest" or "off"
	OrderBelow    int    // decides while no forecast is sure
	DaysLeft      int    // decides when a forecast is sure; 0 looks at the level only
	PagesLeft     int    // 0 does not look at pages
	Confirm       int    // readings in a row that must say so
	ConfirmOver   time.Duration
	Sudden        time.Duration // how long a jump of the level must last
	History       time.Duration // in whole days, as the next two
	Delivery      time.Duration
	Together      time.Duration
	PerDevice     int      // orders of one device within 30 days; 0 is no limit
	PerSite       int      // orders within a day; 0 is no limit
	Quiet         []string // globs of serial numbers that order nothing
	NotInContract []string // globs of descriptions and part numbers
	Rules         []TonerRule
}

// A TonerRule is an exception from Toner for some models, a colour, or both. It is a
// plain percentage unless it says more.
type TonerRule struct {
	Model      string // glob such as "iR-ADV C5*", as path.Match reads it; "" for every model
	Colour     string // "black", "cyan", ...; "" for every colour
	OrderBelow int
	DaysLeft   int
	PagesLeft  int
}

// A Device is one copier of the contract.
type Device struct {
	Serial     string         // upper case
	OrderBelow map[string]int // percent by colour, "" for every other colour; nil follows [toner]
}

// Page is the web page on this machine.
type Page struct {
	Listen string // "host:port"; "" turns the page off
}

// Store is where the database lies, and how much of what waits it keeps. Beyond these
// limits only the last readings of each day are kept; they, orders and events always are.
type Store struct {
	Folder   string        // "" is the machine's usual place (packaging.DataDir)
	MaxBytes int64         // of the database
	MaxAge   time.Duration // of readings between the last ones of each day
}

// Log says what is written to the log, and where.
type Log struct {
	Level slog.Level
	File  string // "" is standard error, or what the service manager keeps
}

const day = 24 * time.Hour

// Default is what holds where a file says nothing. It lacks what has no default:
// the customer, the portal's URL and the networks.
func Default() Config {
	return Config{
		Poll:      Poll{Meters: 4 * time.Hour, Supplies: 30 * time.Minute, Parallel: 8, Timeout: 2 * time.Second, Rate: 200},
		Discovery: Discovery{Every: 24 * time.Hour, Rate: 200, LostAfter: 7 * day, MDNS: true},
		Toner: Toner{
			Mode: "order", OrderBelow: 15, DaysLeft: 7,
			Confirm: 3, ConfirmOver: time.Hour, Sudden: 12 * time.Hour,
			History: 14 * day, Delivery: 3 * day, Together: 3 * day,
			PerDevice: 12, PerSite: 100,
		},
		Page:  Page{Listen: "127.0.0.1:8631"},
		Store: Store{MaxBytes: 256_000_000, MaxAge: 90 * 24 * time.Hour},
		Log:   Log{Level: slog.LevelInfo},

		Update: Update{Every: 6 * time.Hour, Probation: 30 * time.Minute},
	}
}

// DefaultNetwork is what holds where a [[network]] says nothing. It lacks the
// addresses.
func DefaultNetwork() Network {
	return Network{Community: "public", Version: "auto", Port: 161}
}

// A Secret is text that must not appear in logs, errors or on the page.
type Secret string

// String hides the secret from fmt.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "(secret)" }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }

// MarshalText hides the secret from JSON and TOML.
func (Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }
