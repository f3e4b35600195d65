package collector

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reading makes a reading of what was read; p may be nil.
func (h harvest) reading(at time.Time, p *Profile) Reading {
	t := telling{harvest: h, charset: h.charset(), profile: p}
	r := Reading{
		Device:   t.device(),
		TakenAt:  at.UTC().Truncate(time.Second),
		Origin:   Automatic,
		Profile:  "printer-mib",
		Meters:   t.meters(),
		Supplies: t.supplies(),
		Inputs:   t.inputs(),
		Alerts:   t.alerts(),
		Status:   t.status(),
	}
	if p != nil {
		r.Profile = p.Name
		r.Meters = settleMeters(r.Meters, t.profileMeters(), p.Billed)
		t.levelSupplies(r.Supplies)
	}
	if ticks, ok := h.first(sysUpTime).count(); ok {
		r.UptimeSeconds = ticks / 100
	}
	return r
}

// charset is the MIBenum of the character set of the device's texts: that of its
// current localization, or else of the first there is.
func (h harvest) charset() int64 {
	current, _ := h.localization()
	set, ok := h.at(prtLocalizationCharacterSet, current).number()
	if !ok {
		set, _ = h.first(prtLocalizationCharacterSet).number()
	}
	return set
}

// localization is the index of the row of prtLocalizationTable that
// prtGeneralCurrentLocalization names, and the one before it.
func (h harvest) localization() (current, before string) {
	v := h.first(prtGeneralCurrentLocalization)
	n, ok := v.number()
	if !ok {
		return "", ""
	}
	device := v.name[len(prtGeneralCurrentLocalization)+1:]
	return device + "." + strconv.FormatInt(n, 10), device + "." + strconv.FormatInt(n-1, 10)
}

// A telling is a harvest whose texts can be read.
type telling struct {
	harvest
	charset int64
	profile *Profile // nil if none fits
}

func (t telling) text(v variable) string {
	if v.kind != octets {
		return ""
	}
	return plainText(v.text, t.charset)
}

// word is the word of an enumeration; "" if the device did not tell it.
func (t telling) word(column, index, list string) string {
	n, ok := t.at(column, index).number()
	if !ok {
		return ""
	}
	return word(list, n)
}

func (t telling) device() Device {
	index := t.harvest.device()
	id := identity{
		sysObjectID: t.first(sysObjectID).text,
		sysDescr:    t.text(t.first(sysDescr)),
		hrDescr:     t.text(t.at(hrDeviceDescr, index)),
		name:        t.text(t.first(prtGeneralPrinterName)),
	}
	if index == "" {
		id.hrDescr = t.text(t.first(hrDeviceDescr))
	}
	d := Device{
		Serial:       serial(t.text(t.first(prtGeneralSerialNumber))),
		Manufacturer: id.manufacturer(),
		Model:        id.model(),
		Name:         t.text(t.first(sysName)),
		Location:     t.text(t.first(sysLocation)),
		Contact:      t.text(t.first(sysContact)),
		MAC:          t.mac(),
		SysObjectID:  id.sysObjectID,
	}
	if t.profile != nil {
		own := t.profile.Device
		if d.Serial == "" {
			d.Serial = serial(t.profileText(own.Serial))
		}
		if d.Model == "" {
			d.Model = modelIn(t.profileText(own.Model))
		}
		d.Firmware = t.profileText(own.Firmware)
	}
	if d.Serial == "" {
		d.Serial = serial(t.otherwise(pmlSerial, "SN", "SERN", "SERIALNUMBER"))
	}
	if d.Serial == "" {
		d.Serial = serial(numberAfter(id.sysDescr, "", "S/N")) // Samsung: "Samsung ML-1 Series OS 1.0;Engine 1.0;S/N Z1AB"
	}
	if d.Model == "" {
		d.Model = modelIn(t.otherwise("", "MDL", "MODEL"))
	}
	if d.Manufacturer == "" {
		d.Manufacturer = usualName(t.otherwise("", "MFG", "MANUFACTURER"))
	}
	d.ID = deviceID(d)
	return d
}

// otherwise is what a device tells of itself where others than its own maker keep it:
// in an object of HP's, if one is named, and in the device ID of IEEE 1284, under one of
// these keys.
func (t telling) otherwise(object string, keys ...string) string {
	if text := plainText(pmlText(t.first(object).text), t.charset); text != "" {
		return text
	}
	for _, column := range []string{ppmDeviceID, pmlDeviceID, brotherDeviceID} {
		if text := deviceIDField(t.text(t.first(column)), keys...); text != "" {
			return text
		}
	}
	// HP: "HP ETHERNET MULTI-ENVIRONMENT,SN:ABC,FN:1,SVCID:2,PID:HP LaserJet"
	return deviceIDField(strings.ReplaceAll(t.text(t.first(sysDescr)), ",", ";"), keys...)
}

func (t telling) inputs() []Input {
	rows := t.rows(prtInputMaxCapacity, prtInputCurrentLevel, prtInputMediaName, prtInputName, prtInputDescription)
	inputs := slices.Grow([]Input(nil), len(rows))
	for _, index := range rows {
		capacity := t.at(prtInputMaxCapacity, index)
		in := Input{
			Key:      index,
			Name:     t.text(t.at(prtInputName, index)),
			Capacity: positive(capacity),
			Level:    levelOf(t.at(prtInputCurrentLevel, index), capacity, false),
			Media:    t.text(t.at(prtInputMediaName, index)),
		}
		if in.Name == "" {
			in.Name = t.text(t.at(prtInputDescription, index))
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// levelOf says what a raw level means, by RFC 3805's prtMarkerSuppliesLevel and
// prtInputCurrentLevel. percent is for a unit in which the level is a percentage
// even if there is no capacity.
func levelOf(level, capacity variable, percent bool) Level {
	value, ok := level.signed()
	if !ok {
		return Level{Kind: Unknown}
	}
	whole, _ := capacity.signed()
	if whole <= 0 && percent {
		whole = 100
	}
	l := Level{Value: &value}
	switch {
	case value == -1:
		l.Kind = Unrestricted
	case value == -2:
		l.Kind = Unknown
	case value == -3:
		l.Kind = Some
	case value < 0 || whole > 0 && value > whole:
		l.Kind = Invalid
	case whole <= 0:
		l.Kind = Absolute
	default:
		share := math.Round(1000*float64(value)/float64(whole)) / 10
		l.Kind, l.Percent = Measured, &share
	}
	return l
}

func positive(v variable) *int64 {
	if n, ok := v.signed(); ok && n > 0 {
		return &n
	}
	return nil
}

func (t telling) alerts() []Alert {
	var alerts []Alert
	for _, index := range t.rows(prtAlertSeverityLevel, prtAlertGroup, prtAlertCode, prtAlertDescription) {
		a := Alert{
			Severity:    t.word(prtAlertSeverityLevel, index, severities),
			Group:       t.word(prtAlertGroup, index, alertGroups),
			Description: t.text(t.at(prtAlertDescription, index)),
			Training:    t.word(prtAlertTrainingLevel, index, trainings),
		}
		a.GroupIndex, _ = t.at(prtAlertGroupIndex, index).number()
		a.Location, _ = t.at(prtAlertLocation, index).number()
		if code, ok := t.at(prtAlertCode, index).number(); ok {
			a.Code = alertCode(code)
		}
		alerts = append(alerts, a)
	}
	return alerts
}

func (t telling) status() Status {
	index := t.harvest.device()
	s := Status{
		Device:  t.word(hrDeviceStatus, index, deviceStates),
		Printer: t.word(hrPrinterStatus, index, printerStates),
		Errors:  errorStates(t.first(hrPrinterDetectedErrorState).text),
	}
	for _, line := range t.harvest[prtConsoleDisplayBufferText] {
		s.Console = append(s.Console, t.text(line))
	}
	return s
}
