package collector

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// ErrAsleep: the device sleeps and has counted nothing since it was read last.
var ErrAsleep = errors.New("asleep")

// Asleep says whether the device said that it sleeps. There are three ways to say so:
// a hrDeviceStatus of running with a hrPrinterStatus of other, which RFC 3805 calls
// standby (section 2.2.13.2.1; recorded of an HP M551); an alert subunitPowerSaver; or in words on the panel.
// A device that says it in none of these ways is not known to sleep.
func (r *Reading) Asleep() bool {
	if r.Status.Device == "running" && r.Status.Printer == "other" && len(r.Status.Errors) == 0 {
		return true
	}
	saving := func(a Alert) bool { return a.Code == "subunitPowerSaver" }
	return slices.ContainsFunc(r.Alerts, saving) || slices.ContainsFunc(r.Status.Console, saysSleep)
}

// saysSleep says whether a line of a panel tells of sleep: what panels show in the
// languages of this program, in English and in German. Recorded are "Sleep" (Brother
// HL-L8260CDW), "Sleep mode on" (HP M551), "Sleeping" (Kyocera P2040dw, TASKalfa 6052ci).
func saysSleep(line string) bool {
	line = strings.ToLower(line)
	for _, words := range []string{
		"sleep", "power sav", "powersav", "energy sav", "low power", "standby",
		"schlafmodus", "ruhezustand", "ruhemodus", "energiespar", "stromspar", "bereitschaftsmodus",
	} {
		if strings.Contains(line, words) {
			return true
		}
	}
	return false
}

// A slumber is what is known of a device that has slept: then a small question comes
// before each reading.
type slumber struct {
	seen  bool
	count int64 // of the first marker, at the last reading
}

// noted is the slumber after a reading.
func (s slumber) noted(h harvest, asleep bool) slumber {
	s.seen = s.seen || asleep
	s.count, _ = h.first(prtMarkerLifeCount).count()
	return s
}

// stillAsleep asks a device that has slept whether it does, and whether it has counted
// anything since: one packet of objects that every network card keeps. Nobody says
// which objects a model answers without waking; these are the fewest.
func (q *query) stillAsleep(ctx context.Context, s slumber) error {
	if !s.seen {
		return nil
	}
	told := harvest{}
	err := walkAll(ctx, q.session, []span{
		one(hrDeviceStatus), one(hrPrinterStatus), one(hrPrinterDetectedErrorState),
		one(prtMarkerLifeCount), one(prtConsoleDisplayBufferText),
	}, told, q.limits, nil)
	if err != nil {
		return err
	}
	count, _ := told.first(prtMarkerLifeCount).count()
	r := Reading{Status: telling{harvest: told}.status()}
	if r.Asleep() && count == s.count {
		return ErrAsleep
	}
	return nil
}
