package collector

import (
	"cmp"
	"fmt"
	"iter"
	"net"
	"slices"
	"strings"
)

const enterprises = "1.3.6.1.4.1"

// imagingBranches are the branches of the enterprises tree that only printers, copiers and
// scanners have, each with the name of its maker; 2699 is that of the Printer Working Group.
// Makers of other things as well are given with the branch of their printers.
const imagingBranches = "11.2.3.9 HP,236.11.5 Samsung,253 Xerox,297 Fujifilm,367 Ricoh,480 QMS,641 Lexmark," +
	"674.10898 Dell,683 Zebra,1129 Toshiba,1248.1 Epson,1347 Kyocera,1552 Canon,1602 Canon,2001 OKI,2385 Sharp," +
	"2435 Brother,2590 Konica Minolta,2699,10642 Zebra,18334 Konica Minolta,40093 Pantum,51966.2 TSC"

// makers are the imaging branches with the names of their makers.
func makers() iter.Seq2[string, string] {
	return func(yield func(branch, name string) bool) {
		for maker := range strings.SplitSeq(imagingBranches, ",") {
			if branch, name, _ := strings.Cut(maker, " "); !yield(branch, name) {
				return
			}
		}
	}
}

// imaging says whether an object identifier lies in a branch of an imaging device,
// and whose it is.
func imaging(oid string) (name string, ok bool) {
	oid, ok = strings.CutPrefix(oid, enterprises+".")
	if !ok {
		return "", false
	}
	for branch, name := range makers() {
		if oid == branch || under(branch, oid) {
			return name, true
		}
	}
	return "", false
}

// generalAgent says whether sysObjectID is that of an agent for computers of every
// kind. Such an agent lists the printers that the computer prints on as if they
// were its own devices.
func generalAgent(oid string) bool {
	return under(enterprises+".8072", oid) || under(enterprises+".2021", oid) || under(enterprises+".311", oid) // net-snmp, UCD, Windows
}

// isPrinter says whether anything read so far proves an imaging device.
func (h harvest) isPrinter() bool {
	object := h.first(sysObjectID).text
	if _, ok := imaging(object); ok {
		return true
	}
	for column := range h {
		if column == printerMIB || under(printerMIB, column) {
			return true
		}
		if _, ok := imaging(column); ok {
			return true
		}
	}
	if generalAgent(object) {
		return false
	}
	if h.first(hrPrinterStatus).kind != nothing || h.first(hrPrinterDetectedErrorState).kind != nothing {
		return true
	}
	for _, v := range h[hrDeviceType] {
		if v.text == hrDevicePrinter {
			return true
		}
	}
	return false
}

// makerSpans ask whether there is anything at all in the branches of the makers.
func makerSpans() []span {
	var spans []span
	for branch := range makers() {
		spans = append(spans, one(enterprises+"."+branch))
	}
	return spans
}

// serial is a serial number as it stands on the type plate: "" for what devices say
// that do not know theirs.
func serial(text string) string {
	text = strings.Trim(strings.ToUpper(text), " ÿŸ") // an erased memory is full of 255
	for _, word := range []string{"SERIAL NUMBER:", "SERIAL NO.", "S/N", "SN:"} {
		text = strings.TrimLeft(strings.TrimPrefix(text, word), ": ")
	}
	switch text {
	case "", "UNKNOWN", "NONE", "N/A", "NA", "NULL", "(NULL)", "UNDEFINED", "DEFAULT", "INVALID",
		"NOT AVAILABLE", "NOT SPECIFIED", "NOT SET", "NO SERIAL", "SERIAL NUMBER", "SERIALNUMBER", "SERIAL":
		return ""
	}
	if strings.Trim(text, text[:1]) == "" || strings.Trim(text, "-?. ") == "" { // all of one character
		return ""
	}
	return text
}

// deviceIDField is a field of a device ID of IEEE 1284, such as "MFG:Acme;MDL:Printer 9;SN:A1;".
func deviceIDField(text string, keys ...string) string {
	for field := range strings.SplitSeq(text, ";") {
		key, value, _ := strings.Cut(field, ":")
		key = strings.ToUpper(strings.TrimSpace(key))
		if slices.ContainsFunc(keys, func(k string) bool { return key == k }) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// mac is the address of the first interface that has one and is no loopback.
func (h harvest) mac() string {
	const softwareLoopback = 24 // IANAifType
	for _, index := range h.rows(ifPhysAddress) {
		if t, ok := h.at(ifType, index).number(); ok && t == softwareLoopback {
			continue
		}
		address := net.HardwareAddr(h.at(ifPhysAddress, index).text)
		if parsed, err := net.ParseMAC(string(address)); err == nil {
			address = parsed // some devices tell it as text
		}
		if text := address.String(); len(address) == 6 && text != "00:00:00:00:00:00" && text != "ff:ff:ff:ff:ff:ff" {
			return text
		}
	}
	return ""
}

// identity is what a device is, from the texts in which it speaks of itself.
type identity struct {
	sysObjectID string
	sysDescr    string
	hrDescr     string // hrDeviceDescr of the printer
	name        string // prtGeneralPrinterName
}

// manufacturer is the name on the type plate. A device that is sold under another
// name than its maker's says so in its description; only if it does not, the maker
// is taken from sysObjectID.
func (d identity) manufacturer() string {
	if name, _ := brand(d.hrDescr); name != "" {
		return name
	}
	name, _ := brand(d.sysDescr)
	if name != "" && !serverText(d.sysDescr) {
		return name
	}
	if maker, _ := imaging(d.sysObjectID); maker != "" {
		return maker
	}
	return name
}

// model is the name of the product without that of its manufacturer. sysDescr
// often describes the network card instead; prtGeneralPrinterName comes last, since
// people can change it.
func (d identity) model() string {
	var candidates []string
	if generic := strings.HasPrefix(d.hrDescr, "Generic "); !generic { // the name of a driver: "Generic 28C-1"
		candidates = append(candidates, d.hrDescr)
	}
	if _, pid, ok := strings.Cut(d.sysDescr, ",PID:"); ok { // HP
		candidates = append(candidates, pid)
	}
	if _, attached, ok := strings.Cut(d.sysDescr, "Attached to "); ok { // OKI
		attached, _, _ = strings.Cut(attached, " Rev.")
		candidates = append(candidates, attached)
	}
	if !serverText(d.sysDescr) {
		candidates = append(candidates, d.sysDescr)
	}
	for _, text := range append(candidates, d.hrDescr, d.name) {
		if model := modelIn(text); model != "" {
			return model
		}
	}
	return ""
}

// modelIn takes the name of the product out of a description.
func modelIn(text string) string {
	_, text = brand(text)
	lower := strings.ToLower(text)
	if len(lower) == len(text) {
		for _, end := range []string{";", ",", " / ", " version", " series", " os "} { // what follows is firmware, options, other parts
			if i := strings.Index(lower, end); i >= 0 {
				text, lower = text[:i], lower[:i]
			}
		}
	}
	text = strings.TrimSuffix(text, " /P") // Canon
	if i := strings.LastIndexByte(text, ' '); i > 0 && strings.Trim(text[i+1:], "0123456789.") == "" && strings.Contains(text[i+1:], ".") {
		text = text[:i] // Ricoh: a version at the end
	}
	return strings.TrimSpace(text)
}

// serverText says whether a sysDescr is that of a network card or print server,
// which says nothing about the device behind it.
func serverText(text string) bool {
	text = strings.ToLower(text)
	for _, part := range []string{"print server", "printserver", "scan server", "printing system", "multi-environment", "built-in", "zebranet", "zebra wire", "brother nc-"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// brands are the names on type plates, each with the other ways in which devices write it.
const brands = "Konica Minolta,Konica-Minolta;Fuji Xerox,FujiXerox;Fujifilm;Toshiba TEC;Toshiba;HP,Hewlett-Packard,Hewlett Packard;Canon;" +
	"Brother;Epson;Kyocera,Kyocera Mita,Kyocera Document Solutions;Lexmark,Lexmark International;Ricoh;Gestetner;Lanier;NRG;Savin;" +
	"Nashuatec;Infotec;Rex Rotary;Copystar;Samsung;Sharp;Xerox;OKI,OKI Data Corp,OKI Data;Dell;Develop;Utax,TA_UTAX,UTAX_TA,TA/UTAX;" +
	"Triumph-Adler,TA Triumph-Adler,Triumph Adler;Olivetti;Zebra;IBM;Pantum;Panasonic;Sindoh"

// brand returns the name of the manufacturer that a description begins with, as it
// is usually written, and the rest of the description.
func brand(text string) (name, rest string) {
	longest := 0
	for list := range strings.SplitSeq(brands, ";") {
		usual, _, _ := strings.Cut(list, ",")
		for spelling := range strings.SplitSeq(list, ",") {
			n := len(spelling)
			if n > longest && len(text) > n && text[n] == ' ' && strings.EqualFold(text[:n], spelling) {
				name, longest = usual, n
			}
		}
	}
	if name == "" {
		return "", text
	}
	return name, strings.TrimSpace(text[longest:])
}

// usualName is the name of a manufacturer as it is usually written, where we know it.
func usualName(maker string) string {
	name, _ := brand(maker + " ")
	return cmp.Or(name, maker)
}

// deviceID is the identity of a device: the serial number, or else what comes
// closest to it.
func deviceID(d Device) string {
	if d.Serial != "" || d.MAC == "" {
		return d.Serial
	}
	return fmt.Sprintf("%s:%s:%s", d.Manufacturer, d.Model, d.MAC)
}
